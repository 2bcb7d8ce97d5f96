# SPDX-License-Identifier: Apache-2.0
"""simulate-partner: a partner's order system against a real server, in good order and in bad."""

import json
import os
from polling import eventually
import pty
import re
import select
import signal
import time
import uuid

import pytest

from place import UNLIMITED, loopback
from simulation import QUICK, Simulation

BAD_DAY = ("--duplicates", "40", "--reorder", "40", "--wrong-signatures", "40", "--reject", "25",
           "--silence", "20")


@pytest.fixture
def simulation(running):
    return Simulation(running)


def test_fifty_circuits_become_provisioned(simulation):
    circuits = simulation.circuits(50)
    done = simulation.run("--keys", simulation.keys_file(circuits), "--until-idle", *QUICK)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert lines["keys"] == "50 handed in"
    assert lines["circuits"] == "50 Provisioned"
    assert lines["callbacks"] == "150 applied"
    assert lines["verdict"] == "as planned"
    assert simulation.statuses(circuits) == ["Provisioned"] * 50
    events = [event["type"] for event in simulation.customer.events(circuits[0])]
    assert [event for event in events if event != "circuit.updated"] == [
        "circuit.created", "circuit.provisioning", "circuit.progress", "circuit.provisioned"]


@pytest.mark.parametrize("skew", ["0", "4m", "-4m", "10m", "-10m"])
def test_whatever_it_does_wrong_comes_to_what_is_planned(simulation, skew):
    circuits = simulation.circuits(40)
    report = simulation.play(circuits, *QUICK, *BAD_DAY, "--seed", "11", "--clock-skew", skew)
    simulation.check(circuits, report)
    assert report["asPlanned"] and report["end"] == "idle"
    answers = report["answers"]
    for name in ("applied", "duplicate", "stale", "wrongSignature"):
        assert answers[name] > 0, answers
    assert (answers["wrongClock"] > 0) == ("10" in skew), answers
    assert (answers["inFuture"] > 0) == (skew == "10m"), answers
    assert answers["refused"] == answers["retries"] == answers["already"] == 0, answers


def test_everything_that_can_go_wrong_at_once(simulation):
    circuits = simulation.circuits(10)
    report = simulation.play(circuits, *QUICK, "--duplicates", "100", "--reorder", "100",
                             "--wrong-signatures", "100", "--clock-skew", "1h")
    simulation.check(circuits, report)
    # Three callbacks a circuit, the first two of them in the wrong order.
    assert report["answers"] == {
        "quoted": 10, "applied": 20, "already": 0, "duplicate": 30, "stale": 10, "refused": 0,
        "wrongSignature": 30, "wrongClock": 10, "inFuture": 10, "retries": 0}


def test_the_same_seed_and_keys_give_the_same_plan(simulation):
    circuits = simulation.circuits(30)
    keys = simulation.keys_file(circuits)
    words = ("--keys", keys, "--plan", *BAD_DAY, "--delay", "0..90ms", "--seed")
    nobody = {name: "" for name in simulation.env}
    first, again, other = [simulation.run(*words, seed, env=nobody) for seed in ("5", "5", "6")]
    assert first.returncode == 0 and first.stdout == again.stdout != other.stdout
    plans = {order["serviceKey"]: order for order in json.loads(first.stdout)["orders"]}
    assert len({order["plan"] for order in plans.values()}) > 1
    # The order of the keys does not matter, and the run does what the plan says.
    report = simulation.play(circuits[::-1], *BAD_DAY, "--delay", "0..90ms", "--seed", "5")
    for order in report["orders"]:
        plan = plans[order["serviceKey"]]
        assert {name: order[name] for name in plan} == plan
    simulation.check(circuits, report)
    callbacks = [callback for plan in plans.values() for callback in plan["callbacks"]]
    assert report["answers"]["wrongSignature"] == sum(c["wrongSignatureFirst"] for c in callbacks)
    assert report["answers"]["duplicate"] == sum(c["repeated"] for c in callbacks)
    assert report["answers"]["stale"] == sum(c["overtakenByNext"] for c in callbacks)


def test_a_second_run_finds_what_the_first_has_built(simulation):
    circuits = simulation.circuits(10)
    simulation.play(circuits, *QUICK)
    before = [simulation.customer.read(circuit) for circuit in circuits]
    report = simulation.play(circuits, *QUICK)
    assert report["answers"]["applied"] == 0
    assert [simulation.customer.read(circuit) for circuit in circuits] == before


def test_a_promise_that_is_not_kept_stalls_the_circuit(simulation):
    circuits = simulation.circuits(20)
    report = simulation.play(circuits, *QUICK, "--silence", "100", "--seed", "1")
    promised = {order["circuitId"] for order in report["orders"] if order["plan"] == "promised"}
    assert 0 < len(promised) < 20
    eventually("the promised ones are stalled", lambda: {
        circuit["id"] for circuit in circuits if simulation.customer.read(circuit)["stalled"]}, promised)


def test_keys_come_by_a_pipe_as_they_are_ordered(simulation):
    child = simulation.start("--keys", "-", "--until-idle", "--json", *QUICK, stdin=-1)
    circuits = []
    for _ in range(3):
        circuits += simulation.circuits(2)
        keys = "\n# two more\n" + "".join(c["serviceKey"].upper() + "\n" for c in circuits[-2:])
        child.stdin.write(keys[:50])
        child.stdin.flush()
        time.sleep(0.05)  # so that a key comes in two pieces
        child.stdin.write(keys[50:])
        child.stdin.flush()
        eventually("all are built", lambda: simulation.statuses(circuits),
                   ["Provisioned"] * len(circuits))
        assert child.poll() is None
    child.stdin.write(f"  {circuits[0]['serviceKey']}  ")
    out, err = child.communicate(timeout=30)
    assert child.returncode == 0, err
    report = json.loads(out)
    assert report["keys"] == {"handedIn": 6, "repeated": 1, "malformed": 0, "unknown": 0}
    simulation.check(circuits, report)


def test_an_unknown_key_is_said_and_dropped(simulation):
    circuits = simulation.circuits(2)
    unknown = str(uuid.uuid4())
    keys = "\n".join([circuits[0]["serviceKey"], unknown, "not-a-key", circuits[1]["serviceKey"]])
    done = simulation.run("--keys", "-", "--until-idle", "--json", *QUICK, stdin=keys)
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert report["keys"] == {"handedIn": 3, "repeated": 0, "malformed": 1, "unknown": 1}
    assert report["circuits"]["provisioned"] == 2
    assert "line 3 of the keys" in done.stderr
    assert f"{unknown[:8]}...: no circuit of this partner has this key" in done.stderr
    assert unknown not in done.stderr


def test_an_interrupt_ends_it_with_its_summary(simulation):
    circuits = simulation.circuits(5)
    keys = simulation.keys_file(circuits)
    idle = simulation.start("--keys", keys, "--json", *QUICK)
    eventually("all are built", lambda: simulation.statuses(circuits), ["Provisioned"] * 5)
    time.sleep(1)  # until the last answer has been read
    assert idle.poll() is None
    idle.send_signal(signal.SIGINT)
    out, err = idle.communicate(timeout=10)
    assert idle.returncode == 0, err
    assert json.loads(out)["end"] == "stopped"

    more = simulation.circuits(5)
    busy = simulation.start("--keys", simulation.keys_file(more), "--delay", "1h")
    eventually("all keys are quoted",
               lambda: [simulation.customer.read(c)["keyQuotedAt"] for c in more], all)
    busy.send_signal(signal.SIGTERM)
    out, err = busy.communicate(timeout=10)
    assert busy.returncode == 1, err
    assert "stopped after" in out
    assert "not as planned: 5 outstanding" in out


def test_it_ends_when_its_time_is_over(simulation):
    began = time.monotonic()
    done = simulation.run("--for", "300ms", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["end"] == "time over"
    assert 0.3 <= time.monotonic() - began < 10


def test_a_server_that_goes_away_and_comes_back_loses_nothing(place):
    address = loopback()
    place.start("--listen", address, *UNLIMITED)
    port = place.status()["url"].rsplit(":", 1)[1]
    simulation = Simulation(place)
    circuits = simulation.circuits(30)
    child = simulation.start("--keys", simulation.keys_file(circuits), "--until-idle", "--json",
                             "--delay", "100ms..1500ms", "--duplicates", "30", "--reorder", "30",
                             "--seed", "3")
    eventually("some are being built", lambda: simulation.statuses(circuits),
               lambda statuses: "Provisioning" in statuses)
    for how in (signal.SIGKILL, signal.SIGTERM):
        pid = place.status()["pid"]
        os.kill(pid, how)
        eventually("the server has gone", lambda: os.path.exists(f"/proc/{pid}"), False)
        time.sleep(0.3)  # nobody answers for that long
        place.start("--listen", address, "--port", port, *UNLIMITED)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, (out[-2000:], err)
    report = json.loads(out)
    assert report["answers"]["retries"] > 0
    simulation.check(circuits, report)


def test_a_wrong_secret_or_token_is_no_success(simulation):
    circuits = simulation.circuits(2)
    other = Simulation(simulation.place)
    wrong = {"ONRAMP_PARTNER_SECRET": other.partner.secret}
    keys = simulation.keys_file(circuits)
    done = simulation.run("--keys", keys, "--until-idle", *QUICK, env=wrong)
    assert done.returncode == 1
    assert "circuit.provisioning was answered 401 unauthenticated" in done.stderr
    wrong = {"ONRAMP_PARTNER_TOKEN": simulation.customer.token}
    done = simulation.run("--keys", keys, "--until-idle", *QUICK, env=wrong)
    assert done.returncode == 1
    assert "quoting the key was answered 403 forbidden" in done.stderr
    for value in (other.partner.secret, simulation.customer.token, circuits[0]["serviceKey"]):
        assert value not in done.stdout + done.stderr


def test_it_keeps_to_its_rate(simulation):
    circuits = simulation.circuits(6)
    report = simulation.play(circuits, "--delay", "0", "--rate", "20", "--parallel", "2")
    # 24 requests, the first of them at once.
    assert report["seconds"] >= 23 / 20 - 0.05


@pytest.mark.parametrize("words", [
    ["--duplicates", "101"], ["--reorder", "x"], ["--silence", "-1"], ["--reject", "1.5"],
    ["--wrong-signatures", "1000"], ["--delay", "2"], ["--delay", "2s..1s"], ["--for", "soon"],
    ["--clock-skew", "300s"], ["--clock-skew", "-295s"], ["--patience", "-1s"], ["--rate", "0"],
    ["--parallel", "257"], ["--seed", "-1"], ["--token", "a b"], ["--secret", "whsec_short"],
    ["--partner", "../x"], ["more", "words"],
])
def test_what_is_wrong_is_said(simulation, words):
    done = simulation.run(*words)
    assert (done.returncode, done.stdout) == (64, "")
    assert "onramp: " in done.stderr


def test_who_it_plays_must_be_given(simulation):
    for name, option in (("ONRAMP_PARTNER", "--partner"), ("ONRAMP_PARTNER_TOKEN", "--token"),
                         ("ONRAMP_PARTNER_SECRET", "--secret")):
        done = simulation.run(env={name: ""})
        assert done.returncode == 64 and f"{option} is missing" in done.stderr
    done = simulation.run("--state", "/nonexistent/x", env={"ONRAMP_URL": ""})
    assert done.returncode == 3
    done = simulation.run("--keys", "/nonexistent/keys")
    assert done.returncode == 1 and "/nonexistent/keys" in done.stderr


def test_a_terminal_sees_one_line_that_moves(simulation):
    circuits = simulation.circuits(3)
    ours, theirs = pty.openpty()
    child = simulation.start("--keys", simulation.keys_file(circuits), "--until-idle", "--delay",
                             "300ms", stderr=theirs)
    os.close(theirs)
    seen = b""
    while select.select([ours], [], [], 20)[0]:
        try:
            got = os.read(ours, 4096)
        except OSError:  # a terminal that nobody holds any more
            break
        if not got:
            break
        seen += got
    os.close(ours)
    out, _ = child.communicate(timeout=30)
    assert child.returncode == 0
    shown = seen.decode().split("\r\x1b[K")
    assert "\n" not in seen.decode()
    assert len(shown) > 3 and shown[-1] == ""
    assert re.fullmatch(r"3 keys, [0-3] quoted, [0-3] Provisioning, [0-3] Provisioned", shown[1])
    assert shown[-2] == "3 keys, 3 quoted, 0 Provisioning, 3 Provisioned"
    assert "verdict     as planned" in out


def test_what_is_secret_stays_off_the_command_line(simulation):
    child = simulation.start("--for", "30s")
    with open(f"/proc/{child.pid}/cmdline", encoding="ascii") as file:
        line = file.read()
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=10)
    assert simulation.partner.token not in line and simulation.partner.secret not in line
