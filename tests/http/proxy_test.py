# SPDX-License-Identifier: Apache-2.0
"""Pins that the server works behind nginx and behind haproxy, with connections kept alive towards
it: the whole path, refusals, and callbacks signed over the octets that the proxy hands on."""

import os
import shutil
import socket
import subprocess

import pytest

from polling import eventually
from process import directory
from tenant import Customer, Partner

NGINX = """
daemon off;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
worker_processes 1;
{user}
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    upstream onramp {{ server {upstream}; keepalive 8; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://onramp;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}
}}
"""

HAPROXY = """
global
    maxconn 256
defaults
    mode http
    option http-keep-alive
    option forwardfor
    http-reuse always
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend in
    bind 127.0.0.1:{port}
    default_backend onramp
backend onramp
    option httpchk GET /readyz
    server one {upstream} check inter 500ms
"""

COMMANDS = {
    "nginx": lambda config: ["nginx", "-c", config, "-p", os.path.dirname(config)],
    "haproxy": lambda config: ["haproxy", "-db", "-f", config],
}


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@pytest.fixture(scope="module", params=["nginx", "haproxy"])
def proxied(request, operator):
    """An operator's client that goes through a proxy of this test's own."""
    name = request.param
    binary = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    assert binary, f"{name} is not installed"
    place, port = directory(), free_port()
    config = os.path.join(place, "config")
    user = "user root;" if os.geteuid() == 0 else ""
    template = NGINX if name == "nginx" else HAPROXY
    upstream = f"{operator.host}:{operator.port}"
    with open(config, "w", encoding="utf-8") as file:
        file.write(template.format(dir=place, port=port, upstream=upstream, user=user))
    with open(os.path.join(place, "log"), "wb") as log:
        command = COMMANDS[name](config)
        process = subprocess.Popen([binary] + command[1:], stdout=log, stderr=log, cwd=place)
    try:
        client = type(operator)(f"http://127.0.0.1:{port}", operator.token)

        def answered():
            assert process.poll() is None, open(os.path.join(place, "log"), encoding="utf-8").read()
            try:
                return client.send("GET", "/readyz", checked=False).status
            except OSError as error:
                return error

        eventually(f"{name} comes up", answered, 200)
        yield client
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(place, ignore_errors=True)


def test_the_path_works_through_a_proxy(proxied):
    customer, partner = Customer(proxied), Partner(proxied)
    circuit = customer.circuit(partner, tags={"ü": "☃"})
    key = circuit["serviceKey"]
    partner.quote(key).must(200)
    partner.callback("circuit.provisioning", key, note="Zürich").must(200)
    partner.callback("circuit.provisioned", key).must(200)
    for _ in range(3):
        customer.connect(circuit, customer.vnet()).must(201)
    assert customer.read(circuit)["connections"]["used"] == 3
    assert len(customer.client.pages(f"/v1/circuits/{circuit['id']}/events", limit=2)) >= 6
    answer = customer.client.delete(f"/v1/circuits/{circuit['id']}").must(409, "circuit_in_use")
    assert len(answer.json["blockers"]) == 4


def test_refusals_come_through_a_proxy_as_they_are(proxied):
    customer = Customer(proxied)
    customer.client.get("/v1/none").must(404, "not_found")
    customer.client.delete("/v1/circuits").must(405)
    customer.client.post("/v1/vnets", {"x": 1}).must(422, "invalid_request")
    customer.client.post("/v1/vnets", b"{").must(400, "malformed_json")
    customer.client.post("/v1/vnets", b" " * 65537).must(413)
    customer.client.get("/v1/circuits", {"Accept": "text/html"}).must(406)
    given = {"X-Request-Id": "through-a-proxy"}
    answer = customer.client.get("/v1/circuits", given).must(200)
    assert answer.headers["X-Request-Id"] == "through-a-proxy"
    proxied.with_token(None).get("/v1/circuits").must(401)


def test_many_requests_share_few_connections(proxied):
    customer = Customer(proxied)
    for _ in range(200):
        customer.client.get("/v1/circuits").must(200)
