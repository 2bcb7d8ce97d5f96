# SPDX-License-Identifier: Apache-2.0
"""The requests that are counted: one caller, one kept-alive connection, one after the other.

Each kind is a function that makes one request; prepare() makes all that they need beforehand."""

import http.client
import json
import time
import uuid

from signature import sign
from tenant import Customer, Partner

LISTED = 50


class Sequence:
    def __init__(self, server, operator):
        self.connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
        self.customer, self.partner = Customer(operator), Partner(operator)
        self.token = {"Authorization": f"Bearer {self.customer.token}"}
        self.circuits = [self.customer.circuit(self.partner) for _ in range(LISTED + 1)]
        self.provisioned = self.customer.circuit_at(self.partner, "Provisioned")
        self.vnet = self.customer.vnet()
        self.clock = time.time() - 3600
        self.kinds = {
            "hello": self.hello,
            "get": self.get,
            "get_unchanged": self.get_unchanged,
            "get_nothing": self.get_nothing,
            "list": self.list,
            "create": self.create,
            "create_with_key": self.create_with_key,
            "create_wrong": self.create_wrong,
            "callback": self.callback,
            "connect_and_disconnect": self.connect_and_disconnect,
            "unauthenticated": self.unauthenticated,
        }

    def ask(self, status, method, target, body=None, headers=None):
        self.connection.request(method, target, body, headers or {})
        answer = self.connection.getresponse()
        octets = answer.read()
        assert answer.status == status, octets
        return octets

    def write(self, status, method, target, value, headers=None):
        sent = {**self.token, "Content-Type": "application/json", **(headers or {})}
        return self.ask(status, method, target, json.dumps(value), sent)

    def hello(self):
        self.ask(200, "GET", "/healthz")

    def get(self):
        self.ask(200, "GET", f"/v1/circuits/{self.circuits[0]['id']}", None, self.token)

    def get_unchanged(self):
        self.ask(304, "GET", f"/v1/circuits/{self.circuits[0]['id']}", None,
                 {**self.token, "If-None-Match": '"1"'})

    def get_nothing(self):
        self.ask(404, "GET", "/v1/circuits/00000000-0000-7000-8000-000000000000", None, self.token)

    def list(self):
        self.ask(200, "GET", f"/v1/circuits?limit={LISTED}", None, self.token)

    def order(self):
        return {"name": "counted", "partner": self.partner.slug, "peeringLocation": "Amsterdam",
                "bandwidthMbps": 1000, "tags": {"site": "hq"}}

    def create(self):
        self.write(201, "POST", "/v1/circuits", self.order())

    def create_with_key(self):
        self.write(201, "POST", "/v1/circuits", self.order(),
                   {"Idempotency-Key": str(uuid.uuid4())})

    def create_wrong(self):
        self.write(422, "POST", "/v1/circuits", {**self.order(), "bandwidth": 1, "name": ""})

    def callback(self):
        self.clock += 1
        at = time.strftime("%FT%TZ", time.gmtime(self.clock))
        body = json.dumps({"type": "circuit.progress", "timestamp": at, "data": {
            "serviceKey": self.circuits[1]["serviceKey"], "note": "cross connect 7"}}).encode()
        message, now = f"msg_{uuid.uuid4().hex}", str(int(time.time()))
        self.ask(200, "POST", self.partner.path, body, {
            "Content-Type": "application/json", "webhook-id": message, "webhook-timestamp": now,
            "webhook-signature": sign(self.partner.secret, message, now, body)})

    def connect_and_disconnect(self):
        pair = {"circuitId": self.provisioned["id"], "vnetId": self.vnet["id"]}
        made = json.loads(self.write(201, "POST", "/v1/connections", pair))
        self.ask(204, "DELETE", f"/v1/connections/{made['id']}", None, self.token)

    def unauthenticated(self):
        self.ask(401, "GET", "/v1/circuits", None, {"Authorization": "Bearer onrc_no"})
