# SPDX-License-Identifier: Apache-2.0
"""The script `onramp`: packages, build, and handing over.

It runs as an ordinary user on a copy of the checkout, with programs of ours before the real ones in
PATH: dpkg-query says what is installed, apt-get and sudo write down what they are asked.
"""

import os
import pathlib
import re
import shutil
import stat
import subprocess

import pytest

from place import BINARY, NOBODY, ROOT, as_nobody, environment

SCRIPT = (ROOT / "onramp").read_text()


def words_of(variable):
    return re.search(rf"^{variable}='([^']*)'", SCRIPT, re.M).group(1).split()


TO_BUILD, TO_RUN, TO_TEST = (words_of(name) for name in ("to_build", "to_run", "to_test"))


class Machine:
    """A machine as the script sees it."""

    def __init__(self, folder):
        self.folder = folder
        self.fakes = folder / "fakes"
        self.home = folder / "home"
        self.checkout = folder / "check out"
        for made in (self.fakes, self.home, self.checkout / "cli"):
            made.mkdir(parents=True)
        shutil.copy2(ROOT / "onramp", self.checkout)
        shutil.copy2(ROOT / "cli/usage.txt", self.checkout / "cli")
        shutil.copy2(ROOT / "CMakeLists.txt", self.checkout)
        self.asked = folder / "asked"
        self.asked.write_text("")
        self.asked.chmod(0o666)
        self.has(TO_BUILD + TO_RUN + TO_TEST)
        self.fake("apt-get", f'echo "apt-get $*" >>"{self.asked}"\n')
        self.fake("sudo", "exit 1\n")
        self.fake("cmake", f'echo "cmake $*" >>"{self.asked}"\n'
                  'while [ "$1" != -B ]; do shift; done\n: >"$2/build.ninja"\n')
        self.fake("ninja", f'echo ninja >>"{self.asked}"\n'
                  'printf "#!/bin/sh\\necho program \\"\\$@\\"\\n" >"$2/onrampd"\n'
                  'chmod +x "$2/onrampd"\necho "ninja: no work to do."\n')
        self.give(NOBODY)

    def fake(self, name, text):
        path = self.fakes / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)

    def has(self, packages):
        """Only these packages are installed; asking for others fails, as dpkg-query does."""
        lines = "".join(f"{name}) echo installed/{name} ;;\n" for name in packages)
        self.fake("dpkg-query", 'shift 3\nstatus=0\nfor name; do case $name in\n'
                  f"{lines}removed-*) echo config-files/$name ;;\n*) status=1 ;;\nesac; done\n"
                  "exit $status\n")

    def give(self, uid):
        if os.geteuid() == 0:
            for path in [self.folder, *self.folder.rglob("*")]:
                os.chown(path, uid, uid)

    def run(self, *words, script=None, cwd="/", user=NOBODY, env=None):
        command = [str(script or self.checkout / "onramp"), *words]
        return subprocess.run(
            as_nobody(command) if user == NOBODY else command, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=60, check=False, cwd=cwd,
            env=environment(HOME=str(self.home), PATH=f"{self.fakes}:/usr/bin:/bin",
                            **(env or {})))


@pytest.fixture
def machine(tmp_path):
    # pytest's own folders are its user's alone.
    folder = pathlib.Path("/tmp") / f"onramp-script-{os.getpid()}-{tmp_path.name}"
    folder.mkdir()
    try:
        yield Machine(folder)
    finally:
        shutil.rmtree(folder)


def test_without_packages_and_without_sudo_the_apt_line_is_printed(machine):
    machine.has(["gcc", "cmake"])
    done = machine.run("up")
    assert done.returncode == 69
    lines = [line for line in done.stderr.splitlines() if line.startswith("  ")]
    wanted = [name for name in TO_BUILD + TO_RUN if name not in ("gcc", "cmake")]
    wanted = [name for name in wanted if name != "postgresql" or not has_postgresql()]
    assert lines == ["  sudo apt-get update && sudo apt-get install --no-install-recommends "
                     + " ".join(wanted)]
    assert machine.asked.read_text() == ""
    # The line is one that a shell takes.
    subprocess.run(["/bin/sh", "-n", "-c", lines[0]], check=True)


def has_postgresql():
    return any(int(path.parts[4]) >= 15
               for path in pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))


def test_the_tests_want_more_packages(machine):
    machine.has(TO_BUILD + TO_RUN)
    done = machine.run("test")
    assert done.returncode == 69
    line = done.stderr.splitlines()[-1].split()
    assert {"check", "python3-pytest", "shellcheck"} <= set(line)
    assert not set(TO_BUILD) & set(line)


def test_with_sudo_that_asks_nothing_they_are_installed(machine):
    machine.fake("sudo", f'echo "sudo $*" >>"{machine.asked}"\n')
    machine.has([name for name in TO_BUILD + TO_RUN if name != "libmicrohttpd-dev"])
    done = machine.run("up", "--port", "0")
    assert done.returncode == 0, done.stderr
    asked = machine.asked.read_text().splitlines()
    assert asked[0] == "sudo -n true"
    assert any(line.startswith("sudo -n env DEBIAN_FRONTEND=noninteractive apt-get")
               and line.endswith("update") for line in asked)
    install, = [line for line in asked if "install" in line]
    assert install.startswith("sudo -n env DEBIAN_FRONTEND=noninteractive apt-get")
    assert install.endswith("install --no-install-recommends libmicrohttpd-dev")
    assert "packages    installing libmicrohttpd-dev" in done.stdout
    assert done.stdout.splitlines()[-1] == "program up --port 0"


def test_an_installation_that_fails_ends_it(machine):
    machine.fake("sudo", "case $* in *install*) exit 100 ;; esac\n")
    machine.has(TO_BUILD)
    machine.fake("dpkg-query", "exit 1\n")
    done = machine.run("up")
    assert done.returncode == 69
    assert "apt could not install" in done.stderr
    assert "program" not in done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_installs_without_sudo(machine):
    machine.give(0)
    machine.fake("sudo", f'echo "sudo $*" >>"{machine.asked}"\nexit 1\n')
    machine.has([name for name in TO_BUILD + TO_RUN if name != "zlib1g-dev"])
    done = machine.run("up", user=0)
    assert done.returncode == 0, done.stderr
    asked = machine.asked.read_text()
    assert "sudo" not in asked
    assert asked.splitlines()[1].endswith("install --no-install-recommends zlib1g-dev")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_services_that_the_tests_install_are_not_started_meanwhile(machine):
    """While apt runs, policy-rc.d forbids it; afterwards there is none, also when apt fails."""
    elsewhere = SCRIPT.replace("guard=/usr/sbin/policy-rc.d",
                               f'guard="{machine.folder}/policy-rc.d"')
    assert elsewhere != SCRIPT
    (machine.checkout / "onramp").write_text(
        elsewhere.replace("[ -x /usr/sbin/nginx ]", "false"))
    for status in (0, 100):
        machine.give(0)
        machine.asked.write_text("")
        machine.fake("apt-get", f'"{machine.folder}/policy-rc.d" nginx start\n'
                     f'echo "policy $?" >>"{machine.asked}"\ncase $* in *install*) exit {status} ;;'
                     " esac\n")
        machine.has([name for name in TO_BUILD + TO_RUN + TO_TEST if name != "nginx-light"])
        machine.run("test", user=0)
        assert machine.asked.read_text().splitlines()[:2] == ["policy 101"] * 2
        assert not (machine.folder / "policy-rc.d").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_policy_that_was_left_behind_forbids_nothing(machine):
    text = re.search(r"printf '%s\\n' '#!/bin/sh' \"\$mark\".*?exit 101\" \|", SCRIPT, re.S).group(0)
    setting = "\n".join(re.findall(r"^    (?:mark|boot)=.*$", SCRIPT, re.M))
    policy = machine.folder / "policy"
    subprocess.run(["/bin/sh", "-c", f"{setting}\n{text.rstrip('|')} >'{policy}'"], check=True)
    assert "exit 101" in policy.read_text()
    assert subprocess.run(["/bin/sh", str(policy), "nginx", "start"], check=False).returncode == 0


def test_the_first_start_builds_and_the_second_does_not_configure(machine):
    first = machine.run("up", "--port", "0")
    assert first.returncode == 0, first.stderr
    steps = [line.split()[0] for line in first.stdout.splitlines()]
    assert steps == ["packages", "build", "build", "program"]
    second = machine.run("up")
    assert [line.split()[0] for line in second.stdout.splitlines()] == \
        ["packages", "build", "program"]
    asked = [line.split()[0] for line in machine.asked.read_text().splitlines()]
    assert asked == ["cmake", "ninja", "ninja"]


def test_other_verbs_take_the_program_as_it_is(machine):
    machine.run("up")
    machine.asked.write_text("")
    machine.has([])
    for words in (["env"], ["status", "--json"], ["--state", "x", "down"], ["token", "create"],
                  ["psql", "--", "--help"], ["callback"]):
        done = machine.run(*words)
        assert (done.returncode, done.stdout, done.stderr) == \
            (0, f"program {' '.join(words)}\n", "")
    assert machine.asked.read_text() == ""


def test_a_verb_before_any_build_keeps_standard_output_for_the_answer(machine):
    done = machine.run("retention")
    assert done.stdout == "program retention\n"
    assert "build" in done.stderr


@pytest.mark.parametrize("verb", ["status", "env", "down"])
def test_what_only_looks_at_what_runs_builds_nothing(machine, verb):
    machine.has([])
    done = machine.run(verb, "--json")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == ("onramp: nothing is built here, so nothing runs; start it first: "
                           "onramp up --detach\n")
    assert machine.asked.read_text() == ""


def test_the_verb_may_stand_behind_options(machine):
    machine.run("up")
    machine.asked.write_text("")
    done = machine.run("--state", "x", "up")
    assert done.stdout.splitlines()[-1] == "program --state x up"
    assert machine.asked.read_text() == "ninja\n"


@pytest.mark.parametrize("built", [False, True])
def test_help_and_mistakes_need_no_build(machine, built):
    if built:
        machine.run("up")
    machine.asked.write_text("")
    machine.has([])
    for words, said in ([], "what to do? A verb is missing"), (["--state", "x"], "what to do?"), \
            (["launch"], "there is no 'launch'"), (["launch", "up"], "there is no 'launch'"):
        done = machine.run(*words)
        assert (done.returncode, done.stdout) == (64, "")
        assert done.stderr.startswith(f"onramp: {said}") and done.stderr.count("\n") == 1
        assert done.stderr.endswith("; see: onramp --help\n")
    for words in (["--help"], ["help"], ["-h"]):
        done = machine.run(*words)
        assert (done.returncode, done.stdout) == (0, (ROOT / "cli/usage.txt").read_text())
    assert machine.asked.read_text() == ""


VERBS = re.findall(r"^  onramp ([a-z-]+(?: create| rotate)?) ", (ROOT / "cli/usage.txt").read_text(),
                   re.M)


def test_the_script_says_of_a_verb_what_the_program_says(machine):
    """Also where nothing is built: --help and --version build nothing, whose the verb is."""
    machine.has([])
    assert len(VERBS) == 13
    for verb in VERBS:
        words = verb.split()
        for asked in ([*words, "--help"], ["--help", *words], [*words, "--version"],
                      ["--state", "x", *words, "--version"]):
            done = machine.run(*asked)
            assert (done.returncode, done.stderr) == (0, ""), done
            if verb != "test":
                program = subprocess.run([BINARY, *asked], capture_output=True, text=True,
                                         check=True, env=environment())
                assert done.stdout == program.stdout
            assert done.stdout
    assert machine.asked.read_text() == ""


def test_the_script_knows_every_verb(machine):
    machine.run("up")
    for verb in VERBS:
        if verb != "test":
            done = machine.run(*verb.split())
            assert done.stdout.splitlines()[-1] == f"program {verb}"


def test_it_runs_by_a_link_and_from_anywhere(machine):
    first = machine.folder / "first"
    second = machine.home / "second"
    first.symlink_to(machine.checkout / "onramp")
    second.symlink_to("../first")
    for script in (first, second):
        done = machine.run("retention", script=script, cwd=str(machine.home))
        assert done.returncode == 0, done.stderr
        assert done.stdout == "program retention\n"
    done = machine.run("retention", script="./onramp", cwd=str(machine.checkout))
    assert done.stdout == "program retention\n"
    assert (machine.checkout / "build/release/onrampd").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_checkout_of_somebody_else_is_not_built_in(machine):
    machine.give(0)
    machine.home.chmod(0o777)
    machine.asked.chmod(0o666)
    done = machine.run("up")
    assert done.returncode == 0, done.stderr
    assert not (machine.checkout / "build").exists()
    built = list((machine.home / ".cache/onramp").glob("*/release/onrampd"))
    assert len(built) == 1
    # And root does not leave its files in a user's checkout.
    machine.give(NOBODY)
    done = machine.run("up", user=0)
    assert done.returncode == 0, done.stderr
    assert not (machine.checkout / "build").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_who_is_not_its_owner_looks_with_the_owners_build(machine):
    machine.run("up")
    machine.give(0)
    machine.asked.chmod(0o666)
    machine.asked.write_text("")
    machine.has([])
    for words in (["status", "--json"], ["env"], ["callback", "--print-curl"]):
        done = machine.run(*words)
        assert (done.returncode, done.stdout, done.stderr) == \
            (0, f"program {' '.join(words)}\n", "")
    assert machine.asked.read_text() == ""
    assert not (machine.home / ".cache").exists()


def test_a_checkout_that_was_moved_is_configured_anew(machine):
    machine.run("up")
    folder = machine.checkout / "build/release"
    (folder / "CMakeCache.txt").write_text("CMAKE_HOME_DIRECTORY:INTERNAL=/elsewhere\n")
    machine.asked.write_text("")
    machine.give(NOBODY)
    machine.asked.chmod(0o666)
    machine.run("up")
    assert [line.split()[0] for line in machine.asked.read_text().splitlines()] == \
        ["cmake", "ninja"]


def test_a_build_that_fails_says_why(machine):
    machine.fake("ninja", 'echo "[1/2] Building"\necho "x.c:1: error: wrong"\nexit 1\n')
    done = machine.run("up")
    assert done.returncode == 1
    assert "x.c:1: error: wrong" in done.stderr
    assert "the build failed" in done.stderr


def test_builds_take_turns(machine):
    machine.fake("ninja", 'mkdir "$2/alone" || echo both >&2\nsleep 1\nrmdir "$2/alone"\n'
                 'printf "#!/bin/sh\\n:\\n" >"$2/onrampd"; chmod +x "$2/onrampd"\n')
    command = as_nobody([str(machine.checkout / "onramp"), "up"])
    env = environment(HOME=str(machine.home), PATH=f"{machine.fakes}:/usr/bin:/bin")
    children = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for child in children:
        _, err = child.communicate(timeout=30)
        assert child.returncode == 0
        assert "both" not in err


def test_the_script_is_executable_and_plain_sh(machine):
    assert stat.S_IMODE((ROOT / "onramp").stat().st_mode) & 0o111 == 0o111
    assert SCRIPT.startswith("#!/bin/sh\n")
    assert machine.run("--help").returncode == 0
