# SPDX-License-Identifier: Apache-2.0
"""What the operators' page shows of nginx and of PostgreSQL does what the page says."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys

import pytest

from page import HOUSE, Page

sys.path += [str(HOUSE / "tests/faults"), str(HOUSE / "tests/http")]

from cluster import Cluster  # noqa: E402
from polling import eventually  # noqa: E402


def shown(kind):
    """The one block of that kind."""
    block, = [block for block in Page("docs/operators.md").blocks if block.kind == kind]
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


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


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
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
             "-nodes", "-subj", "/CN=localhost", "-keyout", directory / "onramp.key",
             "-out", directory / "onramp.pem"],
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


def test_the_site_of_nginx_serves_names_the_client_and_streams(place, nginx):
    place.run("./onramp", "up", "--detach", "--trusted-proxy", "127.0.0.1/32", "--log-level", "debug")
    given = dict(re.findall(r"export (\w+)='(.*)'", place.run("./onramp", "env").stdout))
    url = nginx(given["ONRAMP_URL"])
    curl = ["curl", "-sSfk", "--max-time", "30",
            "-H", f"Authorization: Bearer {given['ONRAMP_CUSTOMER_TOKEN']}"]
    eventually("an answer through nginx", lambda: place.run(*curl, url + "/readyz").returncode, 0)
    order = ('{"name": "n", "partner": "equinix", "peeringLocation": "Amsterdam",'
             ' "bandwidthMbps": 50}')
    ordered = place.run(*curl, "--interface", "127.0.0.2", "-H", "X-Forwarded-For: 192.0.2.1",
                        "--json", order, url + "/v1/circuits")
    assert json.loads(ordered.stdout)["name"] == "n"
    log = place.directory / "state/log/onramp.log"
    line = eventually("the line of the order", lambda: [
        line for line in log.read_text().splitlines() if "POST /v1/circuits 201" in line])[0]
    assert "127.0.0.2" in line and "192.0.2.1" not in line
    with subprocess.Popen([*curl, "-N", "-H", "Accept: text/event-stream", url + "/v1/events"],
                          stdout=subprocess.PIPE) as stream:
        assert stream.stdout.readline() == b":\n"  # not held back until there is more
        stream.terminate()
