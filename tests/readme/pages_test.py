# SPDX-License-Identifier: Apache-2.0
"""Every command of every page runs as pasted, each page by itself, and prints what the page shows.

The ```sh blocks of a page run in one shell, in order, in an empty directory with a state of its own.
Of a ```json block behind one each line is an answer or a header: this run's must have the same members
and the same known words, with other ids and times. So must the lines of an ```event-stream block. A
```text block is all that was printed, and only its numbers may differ. Nothing is refused but where
the page shows the refusal.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request

import pytest
import yaml

from page import HOUSE, Page, pages, tracked

sys.path += [str(HOUSE / "tests/faults"), str(HOUSE / "tests/http")]

from cluster import Cluster  # noqa: E402

README_BYTES = 16 * 1024
AT_ONCE = 4  # pages that run at a time
MARK = "==== end of block"
REFUSED = "/problems/"
# What differs from run to run.
CHANGING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+Z"
    r"|(?<=onra_)\w+")
PAGES = pages()
RUN = [page for page in PAGES if page.commands()]


def named(found):
    return [pytest.param(page, id=page.name) for page in found]


def constant(line, kind):
    """The line without what differs from run to run; None when it is not compared."""
    if kind == "text":
        return re.sub(r"[\d.]*\d", "N", line)
    if kind == "event-stream":
        line = re.sub(r"^id: .*", "id: *", line)
        field, space, value = line.partition("data: ")
        return field + space + constant(value, "json") if space and not field else line
    if line.startswith("{"):
        return CHANGING.sub("*", json.dumps(json.loads(line), sort_keys=True))
    return line if line.startswith(("HTTP", "Idem")) else None


def comparable(text, kind):
    return [line for line in (constant(line, kind) for line in text.splitlines())
            if line is not None]


class Place:
    """An empty directory but for `onramp`, which keeps its state there and takes any free port."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="onramp-page-"))
        os.chmod(self.directory, 0o755)
        program = os.environ.get("ONRAMPD", str(HOUSE / "build/release/onrampd"))
        (self.directory / "onramp").symlink_to(program)
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("ONRAMP_", "PG", "XDG_"))}
        self.environment = {**kept, "HOME": str(self.directory), "ONRAMP_PORT": "0",
                            "ONRAMP_STATE": str(self.directory / "state")}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run([self.directory / "onramp", "down"], env=self.environment, timeout=60,
                       stdout=subprocess.DEVNULL, check=False)
        shutil.rmtree(self.directory)

    def run(self, *command):
        """What becomes of a command, and what it said."""
        return subprocess.run(command, cwd=self.directory, env=self.environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=150,
                              check=False)


@pytest.fixture
def place():
    with Place() as made:
        yield made


def paste(page):
    """The shell in which the commands of a page have run, a mark behind the output of each block."""
    script = "set -eu\n" + "".join(f"{block.text}\necho '{MARK}'\n" for block in page.commands())
    with Place() as place:
        ran = subprocess.run(["bash", "-c", script], cwd=place.directory, env=place.environment,
                             text=True, capture_output=True, timeout=150, check=False)
    return ran


@pytest.fixture(scope="module")
def pasted(request):
    """{name: a page that runs}, of those that are asked for; the longest first, some at a time."""
    chosen = [item.callspec.params["page"] for item in request.session.items
              if getattr(item, "originalname", "") == test_a_page_runs_as_pasted.__name__]
    chosen.sort(key=lambda page: -sum(len(block.text) for block in page.commands()))
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        yield {page.name: pool.submit(paste, page) for page in chosen}


@pytest.mark.parametrize("page", named(RUN))
def test_a_page_runs_as_pasted(page, pasted):
    ran = pasted[page.name].result()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    outputs = ran.stdout.split(MARK + "\n")[:-1]
    for block, output in zip(page.commands(), outputs, strict=True):
        where = f"{page.name}, line {block.line}:\n{block.text}{output}"
        if block.output is None:
            assert REFUSED not in output, where
            continue
        expected = comparable(block.output.text, block.output.kind)
        assert expected, where
        assert comparable(output, block.output.kind) == expected, where


@pytest.mark.parametrize("page", named(PAGES))
def test_every_block_is_run_or_checked_or_only_shown(page):
    assert page.faults == []


@pytest.mark.parametrize("text, fault", [
    ("```bash\nls\n```\n", "of kind 'bash'"),
    ("```console\n$ ls\n```\n", "of kind 'console'"),
    ("```\nls\n```\n", "of kind ''"),
    ("```text\n$ ls\n```\n", "commands in a block"),
    ("```text\n./onramp up\n```\n", "commands in a block"),
    ("```json\n{}\n```\n", "of kind 'json'"),
    ("```sh\nls\n```\nand\n```json\n{}\n```\n", "of kind 'json'"),
    ("- so:\n  ```sh\n  ls\n  ```\n", "is indented"),
    ("```sh\nls\n", "has no end"),
])
def test_a_block_that_nobody_runs_is_found(text, fault):
    assert [found for found in Page("page.md", text).faults if fault in found]


def test_a_block_behind_commands_is_their_output():
    page = Page("page.md", "```sh\nls\n```\n\n```text\nonramp\n```\n```text\na drawing\n```\n")
    assert [block.output and block.output.text for block in page.blocks] == ["onramp\n", None, None]
    assert page.faults == []


def broken(page):
    """The links of a page that lead nowhere."""
    anchors = {each.name: each.anchors() for each in PAGES} | {page.name: page.anchors()}
    return [(path, anchor) for path, anchor in page.links()
            if not (path in anchors or (HOUSE / path).exists())
            or anchor and anchor not in anchors.get(path, ())]


@pytest.mark.parametrize("page", named(PAGES))
def test_links_between_pages_lead_somewhere(page):
    assert broken(page) == []


@pytest.mark.parametrize("target, good", [
    ("README.md", True), ("../README.md", True), ("#two-words-it-has", True), ("../docs", True),
    ("../docs/partners.md#webhooks", True), ("https://example.com/none", True),
    ("#none", False), ("none.md", False), ("../docs/partners.md#none", False),
    ("../LICENSE#none", False),
])
def test_a_link_that_leads_nowhere_is_found(target, good):
    page = Page("db/page.md", f"# Two words, it has\n\n[there]({target}) and `[not]({target}s)`\n")
    assert (broken(page) == []) == good


def test_the_index_has_every_page_of_its_folder():
    index = next(page for page in PAGES if page.name == "docs/README.md")
    linked = {path for path, _ in index.links()}
    assert {page.name for page in PAGES if page.name.startswith("docs/")} - linked == {index.name}


def test_pages_that_other_files_name_are_there():
    """Comments, messages and the contract send readers to pages, and to places in them."""
    anchors = {page.name: page.anchors() for page in PAGES}
    named_somewhere = set()
    for name in tracked():
        text = (HOUSE / name).read_text(errors="ignore")
        for path, anchor in re.findall(r"(?<![\w/.-])(docs/[\w/-]+\.md)(?:#([\w-]+))?", text):
            named_somewhere.add(path)
            assert path in anchors and (not anchor or anchor in anchors[path]), (name, path, anchor)
    assert named_somewhere


def test_the_readme_is_short():
    assert (HOUSE / "README.md").stat().st_size <= README_BYTES


def asked_for():
    """[(method, path)] of the lines of the API's page, with {} for what the shell fills in."""
    found = []
    for line in "".join(block.text for block in Page("docs/api.md").commands()).splitlines():
        target = re.search(r"\$ONRAMP_URL(/[^\s\"?]*)", line)
        if target:
            method = re.search(r"-X (\w+)", line)
            posts = "POST" if "--json" in line else "GET"
            path = re.sub(r"\$\w+", "{}", target[1])
            found.append((method[1] if method else posts, path))
    return found


def test_every_operation_has_a_line():
    document = yaml.safe_load((HOUSE / "openapi/openapi.yaml").read_text())
    lines = asked_for()
    for path, item in document["paths"].items():
        pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", path))
        for method in item:
            asked = [p for m, p in lines if m == method.upper() and pattern.fullmatch(p)]
            assert asked, f"docs/api.md: no line is {method.upper()} {path}"


def named_benchmarks():
    return sorted(set(re.findall(r"`(?:[\w./]+ )?(bench/\w+)", Page("docs/performance.md").prose)))


@pytest.mark.parametrize("name", named_benchmarks())
def test_a_benchmark_says_what_it_measures(name):
    done = subprocess.run([HOUSE / name, "--help"], capture_output=True, text=True, timeout=30,
                          check=False)
    assert done.returncode == 0 and name.rpartition("/")[2] in done.stdout, done


def shown(kind):
    """The one block of that kind, of all pages."""
    block, = [block for page in PAGES for block in page.blocks if block.kind == kind]
    return block.text


def test_the_role_that_the_page_makes_is_enough(place):
    cluster = Cluster()
    try:
        for statement in shown("sql").split(";\n")[:-1]:
            cluster.sql("postgres", statement)
        url = f"postgresql://app@/circuits?host={cluster.directory}"
        done = place.run("./onramp", "up", "--detach", "--database", url)
        assert done.returncode == 0 and "circuits at" in done.stdout, done
        assert place.run("./onramp", "down").returncode == 0
    finally:
        cluster.remove()


# --- the reverse proxy that the operators' page shows ---

def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def eventually(condition, what):
    deadline = time.monotonic() + 30
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} does not come true"
        time.sleep(0.05)
    return value


@pytest.fixture
def nginx(place):
    """Serve the site of the page before a server at that URL; its own URL."""
    directory = place.directory
    started = []

    def serve(url):
        site = shown("nginx")
        port = free_port()
        for there, here in (("127.0.0.1:8480", url.removeprefix("http://")),
                            ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
                            ("/etc/ssl/", f"{directory}/")):
            assert there in site
            site = site.replace(there, here)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost",
             "-keyout", directory / "onramp.key", "-out", directory / "onramp.pem"],
            check=True, capture_output=True)
        temporary = "".join(f"{kind}_temp_path {directory}/{kind};\n" for kind in (
            "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;\n" if os.geteuid() == 0 else ""
        (directory / "nginx.conf").write_text(
            f"daemon off;\npid {directory}/nginx.pid;\n{user}events {{}}\n"
            f"http {{\naccess_log off;\n{temporary}{site}}}\n")
        binary = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
        started.append(subprocess.Popen(
            [binary, "-e", directory / "nginx.log", "-c", directory / "nginx.conf"]))
        return f"https://127.0.0.1:{port}"
    yield serve
    for process in started:
        process.terminate()
        process.wait(10)


def fetch(url, token=None, source="127.0.0.1", headers=None):
    """The answer to a GET over TLS from a source address, None when nobody answers."""
    class Handler(urllib.request.HTTPSHandler):
        def https_open(self, req):
            return self.do_open(urllib.request.http.client.HTTPSConnection, req, context=context,
                                source_address=(source, 0))
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    asked = urllib.request.Request(url, headers=headers or {})
    if token:
        asked.add_header("Authorization", f"Bearer {token}")
    try:
        return urllib.request.build_opener(Handler).open(asked, timeout=10)
    except urllib.error.URLError:
        return None


def test_the_site_of_nginx_serves_names_the_client_and_streams(place, nginx):
    place.run("./onramp", "up", "--detach", "--trusted-proxy", "127.0.0.1/32", "--log-level", "debug")
    given = dict(re.findall(r"export (\w+)='(.*)'", place.run("./onramp", "env").stdout))
    url = nginx(given["ONRAMP_URL"])
    eventually(lambda: fetch(url + "/readyz"), "an answer through nginx")
    token = given["ONRAMP_CUSTOMER_TOKEN"]
    answer = fetch(url + "/v1/circuits", token, source="127.0.0.2",
                   headers={"X-Forwarded-For": "192.0.2.1"})
    assert json.load(answer)["items"] == []
    log = place.directory / "state/log/onramp.log"
    line = eventually(lambda: [line for line in log.read_text().splitlines()
                               if "GET /v1/circuits 200" in line], "the line of the request")[0]
    assert "127.0.0.2" in line and "192.0.2.1" not in line
    order = ('{"name": "n", "partner": "equinix", "peeringLocation": "Amsterdam",'
             ' "bandwidthMbps": 50}')
    made = place.run("curl", "-sSk", "-H", f"Authorization: Bearer {token}", "--json", order,
                     url + "/v1/circuits")
    assert json.loads(made.stdout)["name"] == "n"
    stream = fetch(url + "/v1/events", token, headers={"Accept": "text/event-stream"})
    assert stream.readline() == b":\n"  # at once: nginx holds nothing back
