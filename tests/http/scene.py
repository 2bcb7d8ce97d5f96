# SPDX-License-Identifier: Apache-2.0
"""One of everything, and for each operation of the contract a caller who may and a path that leads
somewhere: what the tests about every operation start from."""

import json

import contract
from roles_test import MAY, PUBLIC, SIGNED
from tenant import Customer, Partner


class Scene:
    def __init__(self, operator):
        self.partner = Partner(operator)
        self.customer = Customer(operator)
        self.clients = {"C": self.customer.client, "P": self.partner.client, "O": operator}
        client = self.customer.client
        self.circuit = self.customer.circuit_at(self.partner, "Provisioned")
        self.vnet = self.customer.vnet()
        self.connection = self.customer.connect(self.circuit, self.vnet).must(201).json
        target = f"/v1/circuits/{self.circuit['id']}/authorizations"
        self.authorization = client.post(target, {"name": "scene"}).must(201).json
        mine = {"role": "customer", "customerId": self.customer.id, "description": "to be revoked"}
        self.token = client.post("/v1/tokens", mine).must(201).json
        to = {"url": "https://hooks.example.com/scene", "description": "scene"}
        self.webhook = client.post("/v1/webhooks", to).must(201).json
        target = f"/v1/webhooks/{self.webhook['id']}/ping"
        self.delivery = client.send("POST", target).must(202).json
        # What the {id} of a path is, by the beginning of the path.
        self.ids = {
            "/v1/customers/": self.customer.id,
            "/v1/tokens/": self.token["id"],
            "/v1/circuits/": self.circuit["id"],
            "/v1/vnets/": self.vnet["id"],
            "/v1/connections/": self.connection["id"],
            "/v1/partner/circuits/": self.circuit["id"],
            "/v1/webhooks/": self.webhook["id"],
        }

    def target(self, operation):
        """The path with the names of what is there."""
        values = {
            "partner": self.partner.slug,
            "authorization": self.authorization["id"],
            "delivery": self.delivery["id"],
        }
        if "id" in operation.path_names:
            known = [i for beginning, i in self.ids.items() if operation.path.startswith(beginning)]
            assert known, f"tests/http/scene.py has nothing for the id in {operation.path}"
            values["id"] = known[0]
        return operation.url(**values)

    def caller(self, operation):
        """A client that may call it; nobody in particular where a signature decides."""
        may = MAY[operation.id]
        return self.partner.anonymous if may in (PUBLIC, SIGNED) else self.clients[may[0]]

    def send(self, operation, target=None, body=b"", headers=None):
        """One request by one who may; body in octets."""
        sent = {}
        if operation.media:
            sent["Content-Type"] = operation.media[0]
        if MAY[operation.id] == SIGNED:
            sent.update(self.partner.signed(body))
        target = target or self.target(operation)
        sent.update(headers or {})
        return self.caller(operation).send(
            operation.method, target, body if operation.media else None, sent
        )

    def head(self, operation, *lines, target=None):
        """The head of a request in octets, with the caller's token, to which lines are added."""
        token = self.caller(operation).token
        fields = ["Host: x", *lines] + ([f"Authorization: Bearer {token}"] if token else [])
        if MAY[operation.id] == SIGNED:
            signed = self.partner.signed(b"")
            fields += [f"{name}: {value}" for name, value in signed.items() if "-T" not in name]
        first = f"{operation.method} {target or self.target(operation)} HTTP/1.1"
        return "\r\n".join([first, *fields, "", ""]).encode()

    def body(self, operation):
        """A body of the right form. The resource may refuse it all the same."""
        return json.dumps(operation.example()).encode() if operation.media else b""


def documented(status):
    """The operations that document a status."""
    return [o for o in contract.OPERATIONS if str(status) in o.node["responses"]]
