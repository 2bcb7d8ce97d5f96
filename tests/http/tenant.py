# SPDX-License-Identifier: Apache-2.0
"""Customers and partners as the tests play them, each made fresh by an operator."""

import datetime
import itertools
import json
import secrets
import time
import uuid

from signature import sign

BANDWIDTHS = [50, 100, 200, 500, 1000, 2000, 5000, 10000]
LOCATION = "Amsterdam"
STATUSES = ("NotProvisioned", "Provisioning", "Provisioned", "Deprovisioning")
# What a partner says to bring a new circuit to a status.
ROAD = {
    "NotProvisioned": (),
    "Provisioning": ("circuit.provisioning",),
    "Provisioned": ("circuit.provisioned",),
    "Deprovisioning": ("circuit.provisioned", "circuit.deprovisioning"),
}


def unique(prefix):
    return f"{prefix}-{secrets.token_hex(6)}"


def rfc3339(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def without(value, *names):
    """A body without some members, for comparison."""
    return {key: item for key, item in value.items() if key not in names}


class Customer:
    def __init__(self, operator, name=None):
        self.operator = operator
        self.name = name or unique("customer")
        self.id = operator.post("/v1/customers", {"name": self.name}).must(201).json["id"]
        made = operator.post(
            "/v1/tokens",
            {"role": "customer", "customerId": self.id, "description": f"of {self.name}"},
        ).must(201)
        self.token = made.json["token"]
        self.token_id = made.json["id"]
        self.client = operator.with_token(self.token)
        self._networks = itertools.count()

    def circuit(self, partner, **members):
        body = {
            "name": unique("circuit"),
            "partner": partner.slug,
            "peeringLocation": LOCATION,
            "bandwidthMbps": 1000,
            **members,
        }
        return self.client.post("/v1/circuits", body).must(201).json

    def circuit_at(self, partner, status, **members):
        """A circuit that its partner has brought to a status."""
        circuit = self.circuit(partner, **members)
        for event in ROAD[status]:
            partner.callback(event, circuit["serviceKey"]).must(200)
        return self.read(circuit)

    def read(self, circuit):
        return self.client.get(f"/v1/circuits/{circuit['id']}").must(200).json

    def events(self, circuit):
        return self.client.pages(f"/v1/circuits/{circuit['id']}/events")

    def vnet(self, gateway=True, space=None, **members):
        """A VNet with a /16 of its own (256 a customer) and, unless told otherwise, a gateway."""
        number = next(self._networks)
        space = space or [f"10.{number}.0.0/16"]
        body = {"name": unique("vnet"), "addressSpace": space, **members}
        vnet = self.client.post("/v1/vnets", body).must(201).json
        if gateway:
            subnet = space[0].split("/")[0] + "/27"
            target = f"/v1/vnets/{vnet['id']}/gateway"
            vnet = self.client.put(target, {"subnet": subnet}).must(200).json
        return vnet

    def connect(self, circuit, vnet):
        """The answer, whatever it is."""
        body = {"circuitId": circuit["id"], "vnetId": vnet["id"]}
        return self.client.post("/v1/connections", body)


class Partner:
    def __init__(self, operator, slug=None, offers=None):
        self.operator = operator
        self.slug = slug or unique("carrier")
        offers = offers or [{"peeringLocation": LOCATION, "bandwidthsMbps": BANDWIDTHS}]
        body = {"name": self.slug, "displayName": f"Carrier {self.slug}", "offers": offers}
        self.secret = operator.post("/v1/partners", body).must(201).json["callbackSecret"]
        made = operator.post(
            "/v1/tokens", {"role": "partner", "partner": self.slug, "description": "orders"}
        ).must(201)
        self.token = made.json["token"]
        self.token_id = made.json["id"]
        self.client = operator.with_token(self.token)
        self.anonymous = operator.with_token(None)
        self.path = f"/v1/partners/{self.slug}/callbacks"
        # Strictly rising times of events, a millisecond apart, all in the near past.
        self._clock = itertools.count(int(time.time() * 1000) - 60_000)

    def now(self):
        """The next time on this partner's clock."""
        return rfc3339(next(self._clock) / 1000)

    def payload(self, event, key, timestamp=None, **data):
        if event == "circuit.rejected" and "reason" not in data:
            data["reason"] = "No free port."
        body = {
            "type": event,
            "timestamp": timestamp or self.now(),
            "data": {"serviceKey": key, **data},
        }
        return json.dumps(body).encode()

    def signed(self, body, message_id=None, at=None, secret=None):
        """The headers that make a body this partner's."""
        message_id = message_id or f"msg_{uuid.uuid4().hex}"
        at = str(int(time.time()) if at is None else at)
        return {
            "webhook-id": message_id,
            "webhook-timestamp": at,
            "webhook-signature": sign(secret or self.secret, message_id, at, body),
            "Content-Type": "application/json",
        }

    def post(self, body, message_id=None, **how):
        """Sign and send octets."""
        return self.anonymous.send("POST", self.path, body, self.signed(body, message_id, **how))

    def callback(self, event, key, message_id=None, timestamp=None, **data):
        return self.post(self.payload(event, key, timestamp, **data), message_id)

    def quote(self, key):
        return self.client.post("/v1/partner/circuits", {"serviceKey": key})
