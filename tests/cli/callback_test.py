# SPDX-License-Identifier: Apache-2.0
"""callback and token create: a partner's and an operator's part from a terminal."""

import base64
import json
import os
import pathlib
import re
import shlex
import subprocess
import time
import urllib.request

import pytest

from place import BINARY, environment
from signature import sign

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
KEY = "5f0c7a52-6d0e-4b6f-8a54-0d4f4c1f3a10"


def callback(*words, env=None, path=None):
    more = dict(env or {})
    if path:
        more["PATH"] = f"{path}:{os.environ['PATH']}"
    return subprocess.run([BINARY, "callback", *words], capture_output=True, text=True, timeout=60,
                          env=environment(**more), check=False, cwd="/")


def printed(*words):
    """The parts of the command that --print-curl shows: url, headers, body."""
    done = callback("--partner", "equinix", "--secret", SECRET, "--type", "circuit.progress",
                    "--service-key", KEY, "--url", "http://127.0.0.1:1", "--print-curl", *words)
    assert done.returncode == 0, done.stderr
    parts = shlex.split(done.stdout)
    assert parts[:2] == ["curl", "-sS"]
    headers = dict(parts[i + 1].split(": ", 1) for i, part in enumerate(parts) if part == "-H")
    return parts[2], headers, parts[parts.index("--data-binary") + 1]


def test_what_is_printed_is_signed_as_the_standard_says():
    target, headers, body = printed("--note", "it's \"ready\" \\ & done\u00e9")
    assert target == "http://127.0.0.1:1/v1/partners/equinix/callbacks"
    assert headers["content-type"] == "application/json"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    assert headers["webhook-signature"] == sign(SECRET, headers["webhook-id"],
                                                headers["webhook-timestamp"], body.encode())
    assert json.loads(body)["data"] == {"serviceKey": KEY,
                                        "note": "it's \"ready\" \\ & done\u00e9"}
    assert json.loads(body)["type"] == "circuit.progress"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", json.loads(body)["timestamp"])
    assert printed()[1]["webhook-id"] != printed()[1]["webhook-id"]


def test_every_option_has_its_member():
    _, headers, body = printed(
        "--reason", "r", "--note", "null", "--primary-port", "p1", "--secondary-port", "p2",
        "--s-tag", "210", "--partner-reference", "ref", "--expected-by", "2026-12-01T00:00:00Z",
        "--timestamp", "2026-11-22T10:00:00Z", "--webhook-id", "msg_1")
    assert headers["webhook-id"] == "msg_1"
    assert json.loads(body) == {
        "type": "circuit.progress", "timestamp": "2026-11-22T10:00:00Z",
        "data": {"serviceKey": KEY, "reason": "r", "note": None, "primaryPort": "p1",
                 "secondaryPort": "p2", "sTag": 210, "partnerReference": "ref",
                 "expectedBy": "2026-12-01T00:00:00Z"}}
    assert json.loads(printed("--s-tag", "abc")[2])["data"]["sTag"] == "abc"


@pytest.mark.parametrize("words", [
    [], ["--partner", "equinix"], ["--partner", "equinix", "--secret", SECRET],
    ["--partner", "equinix", "--secret", SECRET, "--type", "circuit.progress"],
    ["--partner", "equinix", "--secret", "whsec_short", "--type", "t", "--service-key", KEY],
    ["--partner", "../x", "--secret", SECRET, "--type", "t", "--service-key", KEY],
    ["--partner", "equinix", "--secret", SECRET, "--type", "t", "--service-key", KEY,
     "--webhook-id", "a.b"],
])
def test_what_is_missing_or_wrong_is_said(words):
    done = callback(*words, "--url", "http://127.0.0.1:1")
    assert done.returncode == 64
    assert done.stdout == ""
    assert "--" in done.stderr
    assert "whsec_MDEy" not in done.stderr


def test_nothing_secret_is_on_a_command_line(tmp_path):
    """curl gets all of it by a descriptor; its arguments say nothing."""
    seen = tmp_path / "seen"
    fake = tmp_path / "curl"
    fake.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" >{seen}\ncat >>{seen}\n"
                    "printf '{}\\n204'\n")
    fake.chmod(0o755)
    done = callback("--type", "circuit.progress", "--service-key", KEY, "--url",
                    "http://127.0.0.1:1", path=tmp_path,
                    env={"ONRAMP_PARTNER": "equinix", "ONRAMP_PARTNER_SECRET": SECRET})
    assert (done.returncode, done.stdout) == (0, "{}\n"), done.stderr
    text = seen.read_text()
    assert text.splitlines()[:3] == ["-q", "--config", "-"]
    assert "webhook-signature" in text
    assert SECRET not in text


@pytest.mark.parametrize("status, code", [("200", 0), ("202", 0), ("302", 1), ("401", 1),
                                          ("503", 1)])
def test_only_2xx_is_success(tmp_path, status, code):
    fake = tmp_path / "curl"
    fake.write_text(f"#!/bin/sh\ncat >/dev/null\nprintf 'answer\\n{status}'\n")
    fake.chmod(0o755)
    done = callback("--partner", "equinix", "--secret", SECRET, "--type", "circuit.progress",
                    "--service-key", KEY, "--url", "http://127.0.0.1:1", path=tmp_path)
    assert (done.returncode, done.stdout) == (code, "answer\n")
    assert (status in done.stderr) == (code != 0)


def post(variables, path, value):
    request = urllib.request.Request(
        variables["ONRAMP_URL"] + path, data=json.dumps(value).encode(),
        headers={"Authorization": "Bearer " + variables["ONRAMP_CUSTOMER_TOKEN"],
                 "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as got:
        return json.load(got)


def test_the_partner_plays_its_part(running):
    """With what env printed, and nothing else to type."""
    variables = running.variables()
    circuit = post(variables, "/v1/circuits", {
        "name": "hq", "partner": "equinix", "peeringLocation": "Amsterdam", "bandwidthMbps": 50})
    words = ["--service-key", circuit["serviceKey"], "--type"]
    first = callback(*words, "circuit.provisioning", env=variables)
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["circuit"]["providerStatus"] == "Provisioning"
    shown = callback(*words, "circuit.provisioned", "--print-curl", env=variables)
    pasted = subprocess.run(["/bin/sh", "-c", shown.stdout], capture_output=True, text=True,
                            timeout=30, check=True)
    assert json.loads(pasted.stdout)["circuit"]["providerStatus"] == "Provisioned"
    refused = callback(*words, "circuit.provisioning", env=variables)
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["code"] == "illegal_transition"
    wrong = callback(*words, "circuit.progress", "--secret", SECRET, env=variables)
    assert wrong.returncode == 1
    assert json.loads(wrong.stdout)["code"] == "unauthenticated"
    # Without ONRAMP_URL it is the server that runs from the state.
    env = {name: value for name, value in variables.items() if name != "ONRAMP_URL"}
    found = callback(*words, "circuit.progress", "--state", running.state, env=env)
    assert found.returncode == 0, found.stderr
    nowhere = callback(*words, "circuit.progress", "--state", "/nonexistent/x", env=env)
    assert nowhere.returncode == 3


def whoami(running, token):
    request = urllib.request.Request(running.status()["url"] + "/v1/tokens",
                                     headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as got:
        return [item["role"] for item in json.load(got)["items"]]


def test_token_create_prints_a_token_that_works(running):
    variables = running.variables()
    for words, prefix in ((["operator"], "onro_"), (["partner", "--partner", "equinix"], "onrp_"),
                          (["customer", "--customer", variables["ONRAMP_CUSTOMER_ID"],
                            "--description", "a desk", "--expires-at",
                            "2099-01-01T00:00:00Z"], "onrc_")):
        token = running.must("token", "create", "--role", *words).strip()
        assert token.startswith(prefix)
        assert words[0] in whoami(running, token)


@pytest.mark.parametrize("words, code, option", [
    ([], 64, "--role"), (["--role", "king"], 64, "--role"),
    (["--role", "customer"], 64, "--customer"), (["--role", "partner"], 64, "--partner"),
    (["--role", "operator", "--partner", "equinix"], 64, "--partner"),
    (["--role", "customer", "--customer", "me"], 64, "--customer"),
    (["--role", "operator", "--expires-at", "tomorrow"], 64, "--expires-at"),
    (["--role", "partner", "--partner", "nobody"], 1, "--partner"),
    (["--role", "customer", "--customer", KEY], 1, "--customer"),
])
def test_token_create_checks_what_the_api_checks(running, words, code, option):
    done = running.run("token", "create", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert f"onramp: {option}: " in done.stderr


def test_token_create_without_a_daemon(place):
    done = place.run("token", "create", "--role", "operator")
    assert done.returncode == 1 and "start it first" in done.stderr
    assert not pathlib.Path(place.state).exists()
    place.start()
    place.must("down")
    token = place.must("token", "create", "--role", "operator").strip()
    assert place.postmasters() == []
    place.start()
    assert "operator" in whoami(place, token)
