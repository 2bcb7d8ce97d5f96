# SPDX-License-Identifier: Apache-2.0
"""env: what a reader evals, and what lies on disk for it."""

import json
import re
import subprocess
import urllib.request

from place import loopback

NAMES = ["ONRAMP_URL", "ONRAMP_OPERATOR_TOKEN", "ONRAMP_CUSTOMER_ID", "ONRAMP_CUSTOMER_TOKEN",
         "ONRAMP_PARTNER", "ONRAMP_PARTNER_TOKEN", "ONRAMP_PARTNER_SECRET"]


def get(url, token):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=10) as got:
        return json.load(got)


def test_env_prints_quoted_exports_that_a_shell_takes(running):
    text = running.must("env")
    lines = text.splitlines()
    assert [re.fullmatch(r"export (\w+)='[^']+'", line).group(1) for line in lines] == NAMES
    shell = subprocess.run(
        ["/bin/sh", "-c", 'eval "$1"; for name in $2; do eval "echo \\"\\$$name\\""; done', "sh",
         text, " ".join(NAMES)], capture_output=True, text=True, check=True)
    values = dict(zip(NAMES, shell.stdout.splitlines()))
    assert values == running.variables()
    assert values["ONRAMP_PARTNER"] == "equinix"


def test_the_credentials_work_each_for_its_role(running):
    v = running.variables()
    customers = get(v["ONRAMP_URL"] + "/v1/customers", v["ONRAMP_OPERATOR_TOKEN"])["items"]
    assert [(c["id"], c["name"]) for c in customers] == [(v["ONRAMP_CUSTOMER_ID"], "demo")]
    assert get(v["ONRAMP_URL"] + "/v1/circuits", v["ONRAMP_CUSTOMER_TOKEN"])["items"] == []
    assert get(v["ONRAMP_URL"] + "/v1/partner/circuits", v["ONRAMP_PARTNER_TOKEN"])["items"] == []
    tokens = get(v["ONRAMP_URL"] + "/v1/tokens", v["ONRAMP_OPERATOR_TOKEN"])["items"]
    assert sorted(token["role"] for token in tokens) == ["customer", "operator", "partner"]


def test_the_whole_catalogue_is_there(running):
    v = running.variables()
    token = v["ONRAMP_OPERATOR_TOKEN"]
    assert len(get(v["ONRAMP_URL"] + "/v1/peering-locations?limit=200", token)["items"]) == 105
    assert len(get(v["ONRAMP_URL"] + "/v1/partners?limit=200", token)["items"]) == 175


def test_nobody_else_can_read_what_lies_on_disk(running):
    assert running.path("credentials").stat().st_mode & 0o777 == 0o600
    assert running.path("").stat().st_mode & 0o777 == 0o700
    assert not running.path("credentials.new").exists()
    secrets = [value for name, value in running.variables().items()
               if "TOKEN" in name or "SECRET" in name]
    assert len(secrets) == 4
    for log in running.path("log").iterdir():
        assert log.stat().st_mode & 0o077 == 0
        text = log.read_text(errors="replace")
        assert not [secret for secret in secrets if secret in text], log


def test_env_of_nothing_prints_nothing(place):
    done = place.run("env")
    assert done.returncode == 3
    assert done.stdout == ""
    assert "up --detach" in done.stderr


def test_credentials_outlive_a_restart_and_the_url_follows(place):
    place.start()
    first = place.variables()
    place.must("down")
    done = place.run("env")
    assert (done.returncode, done.stdout) == (3, "")
    place.start("--listen", loopback())
    second = place.variables()
    assert first.pop("ONRAMP_URL") != second.pop("ONRAMP_URL")
    assert first == second
