# SPDX-License-Identifier: Apache-2.0
"""The rules of circuits, VNets, connections, authorizations, states and limits, once more: in plain
Python, from what the product promises, with nothing of the server's in it.

A `Model` is one possible state of the place. An operation is applied to it and answers what the server
has to answer. What the model cannot know (ids, keys, times) is a `Symbol`, named after what it is of,
and bound to what the server says the first time it is seen: from then on it has to stay the same, and
where the model has another symbol the server has to have another value.

Where nothing is promised about which of several refusals comes first, any of them is right."""

import ipaddress
from typing import NamedTuple

STATUSES = ("NotProvisioned", "Provisioning", "Provisioned", "Deprovisioning")
MOVES, STAYS, ALREADY, REFUSED = "moves", "stays", "already", "refused"
# (event, status) -> (what it does, where it leads); a rejection in Provisioned hangs on a request.
TABLE = {
    ("circuit.provisioning", "NotProvisioned"): (MOVES, "Provisioning"),
    ("circuit.provisioning", "Provisioning"): (ALREADY, None),
    ("circuit.provisioned", "NotProvisioned"): (MOVES, "Provisioned"),
    ("circuit.provisioned", "Provisioning"): (MOVES, "Provisioned"),
    ("circuit.provisioned", "Provisioned"): (ALREADY, None),
    ("circuit.rejected", "NotProvisioned"): (STAYS, "NotProvisioned"),
    ("circuit.rejected", "Provisioning"): (MOVES, "NotProvisioned"),
    ("circuit.deprovisioning", "Provisioned"): (MOVES, "Deprovisioning"),
    ("circuit.deprovisioning", "Deprovisioning"): (ALREADY, None),
    ("circuit.deprovisioned", "NotProvisioned"): (ALREADY, None),
    ("circuit.deprovisioned", "Provisioning"): (MOVES, "NotProvisioned"),
    ("circuit.deprovisioned", "Provisioned"): (MOVES, "NotProvisioned"),
    ("circuit.deprovisioned", "Deprovisioning"): (MOVES, "NotProvisioned"),
    **{("circuit.progress", status): (STAYS, status) for status in STATUSES},
}
EVENTS = sorted({event for event, _ in TABLE})
# The partners of every history, and what they offer.
OFFERS = {
    "P": {"Amsterdam": (50, 100, 1000, 10000), "London": (100,)},
    "Q": {"Amsterdam": (1000, 2000)},
}
CIRCUITS_PER_VNET = 4
HTTP = {
    "not_found": 404,
    "version_mismatch": 412,
    **dict.fromkeys(
        ("invalid_request", "not_offered", "bandwidth_decrease", "immutable_field",
         "webhook_id_reused"), 422),
}


class Symbol(NamedTuple):
    """Something that only the server knows."""

    name: str
    unique: bool = False  # an id or a key: no two of them are alike


class Answer(NamedTuple):
    status: int
    body: object = None  # None: none
    version: object = None  # of the ETag, where there is one


class Refusal(NamedTuple):
    """Any one of these codes, each with the members that its problem has to have."""

    codes: dict


NOT_FOUND = Refusal({"not_found": {}})


def overlap(space, other):
    nets = [ipaddress.ip_network(p) for p in other]
    return any(ipaddress.ip_network(p).overlaps(n) for p in space for n in nets)


def inside(subnet, space):
    net = ipaddress.ip_network(subnet)
    return any(net.subnet_of(ipaddress.ip_network(p)) for p in space)


def merged(tags, patch):
    """RFC 7396, of a flat object."""
    tags = {**tags, **patch}
    return {key: value for key, value in tags.items() if value is not None}


class Model:
    def __init__(self, customers, partners, limits):
        self.customers = customers  # {"A": {"id", "name"}}
        self.partners = partners  # {"P": slug}
        self.limits = dict(limits)  # {(tier, bandwidth): VNets}; 10 where nothing is said
        self.quotas = {}  # {customer: (circuits, at each location)}
        self.circuits, self.vnets, self.connections, self.authorizations = {}, {}, {}, {}
        self.remembered = {}  # {(partner, by an operator, webhook-id): body}

    def copy(self):
        other = object.__new__(Model)
        other.__dict__.update(self.__dict__)
        for name in ("limits", "quotas", "remembered"):
            setattr(other, name, dict(getattr(self, name)))
        for name in ("circuits", "vnets", "connections", "authorizations"):
            setattr(other, name, {k: dict(v) for k, v in getattr(self, name).items()})
        return other

    def apply(self, op):
        """Do an operation; what has to be answered."""
        if not op.dry:
            return getattr(self, op.kind)(op)
        answer = getattr(self.copy(), op.kind)(op)
        if isinstance(answer, Refusal) or answer.body is None:
            return answer
        withheld = {"id", "serviceKey", "authorizationKey"} & set(answer.body)
        return Answer(answer.status, {**answer.body, **dict.fromkeys(withheld)})

    # --- what is seen -----------------------------------------------------------------------------

    def limit(self, c):
        return self.limits.get((c["tier"], c["bandwidth"]), 10)

    def of_circuit(self, circuit):
        return {h: k for h, k in self.connections.items() if k["circuit"] == circuit}

    def of_vnet(self, vnet):
        return {h: k for h, k in self.connections.items() if k["vnet"] == vnet}

    def waits_on(self, c):
        if c["deleted"]:
            return "nobody"
        if c["status"] == "Disabled":
            return "operator"
        if c["requested"] or c["provider"] in ("Provisioning", "Deprovisioning"):
            return "partner"
        if c["provider"] == "Provisioned":
            return "nobody"
        return "partner" if c["quoted"] and not c["returned"] else "customer"

    def partner_view(self, h):
        c = self.circuits[h]
        return {
            "id": Symbol(f"{h}.id", True),
            "serviceKey": key_of(h, c["key"]),
            "peeringLocation": c["location"],
            "bandwidthMbps": c["bandwidth"],
            "sku": {"tier": c["tier"], "family": c["family"]},
            "circuitStatus": c["status"],
            "providerStatus": c["provider"],
            "waitingOn": self.waits_on(c),
            "since": c["since"],
            "stalled": False,
            "deprovisionRequestedAt": c["requested"],
            "lastRejection": c["rejection"],
            **c["said"],
            "keyQuotedAt": c["quoted"],
            "version": len(c["events"]),
        }

    def circuit_view(self, h):
        c = self.circuits[h]
        return {
            **self.partner_view(h),
            "name": c["name"],
            "customerId": self.customers[c["owner"]]["id"],
            "partner": self.partners[c["partner"]],
            "serviceKeyIssuedAt": c["issued"],
            "deleteWhenDeprovisioned": c["delete"],
            "connections": {"used": len(self.of_circuit(h)), "limit": self.limit(c)},
            "provisionedAt": c["provisioned"],
            "deprovisionedAt": c["deprovisioned"],
            "deletedAt": c["deleted"],
            "tags": c["tags"],
            "createdAt": c["created"],
            "updatedAt": c["updated"],
        }

    def vnet_view(self, h):
        v = self.vnets[h]
        return {
            "id": Symbol(f"{h}.id", True),
            "customerId": self.customers[v["owner"]]["id"],
            "name": v["name"],
            "addressSpace": list(v["space"]),
            "gateway": {"subnet": v["gateway"]} if v["gateway"] else None,
            "circuits": {"used": len(self.of_vnet(h)), "limit": CIRCUITS_PER_VNET},
            "tags": v["tags"],
            "version": v["version"],
            "createdAt": v["created"],
            "updatedAt": v["updated"],
        }

    def connection_view(self, h, viewer=None):
        """To a customer, or to an operator (None): the other side's id is not shown."""
        k = self.connections[h]
        c, v = self.circuits[k["circuit"]], self.vnets[k["vnet"]]
        up = c["provider"] == "Provisioned" and c["status"] == "Enabled"
        return {
            "id": Symbol(f"{h}.id", True),
            "circuitId": Symbol(f"{k['circuit']}.id", True)
            if viewer in (None, c["owner"]) else None,
            "vnetId": Symbol(f"{k['vnet']}.id", True) if viewer in (None, v["owner"]) else None,
            "status": "Connected" if up else "Down",
            "authorizationId": Symbol(f"{k['authorization']}.id", True)
            if k["authorization"] else None,
            "createdAt": k["created"],
            "addressSpace": list(v["space"]),
            "peeringLocation": c["location"],
            "bandwidthMbps": c["bandwidth"],
        }

    def authorization_view(self, h):
        a = self.authorizations[h]
        by = [k for k in self.connections if self.connections[k]["authorization"] == h]
        return {
            "id": Symbol(f"{h}.id", True),
            "name": a["name"],
            "authorizationKey": Symbol(f"{h}.key", True),
            "status": "InUse" if by else "Available",
            "connectionId": Symbol(f"{by[0]}.id", True) if by else None,
            "createdAt": a["created"],
        }

    def event_views(self, h, viewer=None):
        """The history. The owner of the circuit learns no name of another customer."""
        views = []
        for number, event in enumerate(self.circuits[h]["events"], 1):
            foreign = viewer is not None and event["actor"] in self.customers.values() \
                and event["actor"] != self.customers[viewer]
            views.append({
                "id": Symbol(f"{h}.event.{number}", True),
                "circuitId": Symbol(f"{h}.id", True),
                "sequence": number,
                "type": event["type"],
                "at": Symbol(f"{h}.event.{number}.at"),
                "occurredAt": event["occurred"],
                "actor": {
                    "role": event["role"],
                    "name": "owner of the VNet" if foreign else event["actor"]["name"],
                },
                "from": event["from"],
                "to": event["to"],
                "reason": event["reason"] or Symbol(f"{h}.event.{number}.reason"),
            })
        return views

    # --- how things happen ------------------------------------------------------------------------

    def actor(self, op):
        """(role, {"name"})"""
        role, who = op.actor
        if role == "customer":
            return role, self.customers[who]
        return role, {"name": self.partners[who] if role == "partner" else who}

    def event(self, op, h, kind, to=None, occurred=None, reason=None):
        """Append to the history: which is what raises a circuit's version."""
        c = self.circuits[h]
        role, actor = self.actor(op)
        c["events"] += ({
            "type": kind, "role": role, "actor": actor, "occurred": occurred, "reason": reason,
            "from": c["provider"] if c["events"] else None, "to": to or c["provider"],
        },)
        c["provider"] = to or c["provider"]
        c["updated"] = Symbol(f"{op.n}.{h}.updated")

    def settle(self, op, h):
        """`since` is when (providerStatus, waitingOn) last changed."""
        c = self.circuits[h]
        now = (c["provider"], self.waits_on(c))
        if now != c["stands"]:
            c["stands"], c["since"] = now, Symbol(f"{op.n}.{h}.since")

    def mine(self, op, things, handle):
        thing = things.get(handle)
        if not thing or thing["owner"] != op.actor[1] or thing.get("deleted"):
            return None
        return thing

    def blockers(self, circuit):
        found = [("connection", h) for h in self.of_circuit(circuit)]
        found += [("authorization", h) for h, a in self.authorizations.items()
                  if a["circuit"] == circuit]
        return [{"type": kind, "id": Symbol(f"{h}.id", True)} for kind, h in found]

    def vnet_in_use(self, vnet):
        return {"blockers": [{"type": "connection", "id": Symbol(f"{h}.id", True)}
                             for h in self.of_vnet(vnet)]}

    @staticmethod
    def stale(op, version):
        """If-Match names another version."""
        if op.match is not None and op.match != version:
            return Refusal({"version_mismatch": {}})
        return None

    # --- circuits ---------------------------------------------------------------------------------

    def circuit_create(self, op, **_):
        a, owner = op.args, op.actor[1]
        if a["tier"] == "Local" and a["family"] != "UnlimitedData":
            return Refusal({"invalid_request": {}})
        if a["bandwidth"] not in OFFERS[a["partner"]].get(a["location"], ()):
            return Refusal({"not_offered": {}})
        most, most_there = self.quotas.get(owner, (None, None))
        living = [c for c in self.circuits.values() if c["owner"] == owner and not c["deleted"]]
        there = [c for c in living if c["location"] == a["location"]]
        reached = {}
        if most is not None and len(living) >= most:
            reached["customer_circuit_limit_reached"] = {
                "limit": most, "used": len(living), "scope": "customer"}
        if most_there is not None and len(there) >= most_there:
            reached["location_circuit_limit_reached"] = {
                "limit": most_there, "used": len(there), "scope": "peering_location"}
        if reached:
            return Refusal(reached)
        h = f"c{op.n}"
        self.circuits[h] = {
            "owner": owner, "name": a["name"], "partner": a["partner"], "location": a["location"],
            "bandwidth": a["bandwidth"], "tier": a["tier"], "family": a["family"],
            "key": 0, "issued": Symbol(f"{h}.issued.0"), "quoted": None, "returned": False,
            "status": "Enabled", "provider": "NotProvisioned", "stands": None, "since": None,
            "rejection": None, "requested": None, "delete": False, "provisioned": None,
            "deprovisioned": None, "deleted": None, "newest": None, "tags": a["tags"],
            "created": Symbol(f"{h}.created"), "updated": None, "events": (),
            "said": dict.fromkeys(("partnerNote", "partnerReference", "expectedBy", "primaryPort",
                                   "secondaryPort", "sTag")),
        }
        self.event(op, h, "circuit.created")
        self.settle(op, h)
        return Answer(201, self.circuit_view(h), 1)

    def circuit_update(self, op):
        h, a = op.args["circuit"], op.args
        c = self.mine(op, self.circuits, h)
        if not c:
            return NOT_FOUND
        if self.stale(op, len(c["events"])):
            return self.stale(op, len(c["events"]))
        after = {**c, **{k: a[k] for k in ("name", "bandwidth", "tier", "family") if k in a},
                 "tags": merged(c["tags"], a.get("tags", {}))}
        wrong = {}
        if after["bandwidth"] < c["bandwidth"]:
            wrong["bandwidth_decrease"] = {}
        elif after["bandwidth"] > c["bandwidth"] and \
                after["bandwidth"] not in OFFERS[c["partner"]][c["location"]]:
            wrong["not_offered"] = {}
        if after["tier"] != c["tier"] and "Local" in (after["tier"], c["tier"]):
            wrong["immutable_field"] = {}
        if after["family"] != c["family"] and after["family"] == "MeteredData":
            wrong["immutable_field"] = {}
        used = len(self.of_circuit(h))
        if used > self.limit(after):
            wrong["circuit_vnet_limit_reached"] = {
                "limit": self.limit(after), "used": used, "scope": "circuit"}
        if wrong:
            return Refusal(wrong)
        if after != c:
            self.circuits[h] = after
            self.event(op, h, "circuit.updated")
        return Answer(200, self.circuit_view(h), len(after["events"]))

    def circuit_status_set(self, op):
        h = op.args["circuit"]
        c = self.circuits.get(h)
        if not c or c["deleted"]:
            return NOT_FOUND
        if self.stale(op, len(c["events"])):
            return self.stale(op, len(c["events"]))
        if c["status"] != op.args["status"]:
            c["status"] = op.args["status"]
            on = c["status"] == "Enabled"
            self.event(op, h, "circuit.enabled" if on else "circuit.disabled",
                       reason=op.args["reason"])
            if c["provider"] == "Provisioned":
                self.follow(op, h, on)
            self.settle(op, h)
        return Answer(200, self.circuit_view(h), len(c["events"]))

    def follow(self, op, h, up):
        """Each connection goes up or down with its circuit."""
        for _ in self.of_circuit(h):
            self.event(op, h, "connection.up" if up else "connection.down")

    def circuit_delete(self, op):
        h = op.args["circuit"]
        c = self.mine(op, self.circuits, h)
        if not c:
            return NOT_FOUND
        if self.stale(op, len(c["events"])):
            return self.stale(op, len(c["events"]))
        blockers = self.blockers(h)
        if c["provider"] != "NotProvisioned":
            blockers.append({"type": "provider_status", "id": None})
        if blockers:
            return Refusal({"circuit_in_use": {
                "blockers": blockers, "providerStatus": c["provider"]}})
        self.remove(op, h)
        return Answer(204)

    def remove(self, op, h):
        c = self.circuits[h]
        self.event(op, h, "circuit.deleted")
        c["deleted"], c["requested"], c["delete"] = Symbol(f"{h}.deleted"), None, False
        self.settle(op, h)

    def circuit_deprovision_request(self, op):
        h, wanted = op.args["circuit"], op.args["delete"]
        c = self.mine(op, self.circuits, h)
        if not c:
            return NOT_FOUND
        if self.stale(op, len(c["events"])):
            return self.stale(op, len(c["events"]))
        if c["provider"] not in ("Provisioning", "Provisioned"):
            return Refusal({"nothing_to_deprovision": {"providerStatus": c["provider"]}})
        wanted = c["delete"] if wanted is None else wanted
        if wanted and self.blockers(h):
            return Refusal({"circuit_in_use": {
                "blockers": self.blockers(h), "providerStatus": c["provider"]}})
        if not c["requested"] or c["delete"] != wanted:
            kind = "circuit.updated" if c["requested"] else "circuit.deprovision_requested"
            self.event(op, h, kind)
            c["requested"] = c["requested"] or Symbol(f"{op.n}.{h}.requested")
            c["delete"] = wanted
            self.settle(op, h)
        return Answer(200, self.circuit_view(h), len(c["events"]))

    def circuit_deprovision_withdraw(self, op):
        h = op.args["circuit"]
        c = self.mine(op, self.circuits, h)
        if not c:
            return NOT_FOUND
        if self.stale(op, len(c["events"])):
            return self.stale(op, len(c["events"]))
        refusals = {}
        if c["provider"] == "Deprovisioning":
            refusals["illegal_transition"] = {"providerStatus": c["provider"]}
        if not c["requested"]:
            refusals["not_found"] = {}
        if refusals:
            return Refusal(refusals)
        self.event(op, h, "circuit.deprovision_withdrawn")
        c["requested"], c["delete"] = None, False
        self.settle(op, h)
        return Answer(204)

    def circuit_service_key_rotate(self, op):
        h = op.args["circuit"]
        c = self.mine(op, self.circuits, h)
        if not c:
            return NOT_FOUND
        if self.stale(op, len(c["events"])):
            return self.stale(op, len(c["events"]))
        if c["provider"] != "NotProvisioned":
            return Refusal({"service_key_in_use": {"providerStatus": c["provider"]}})
        # Keys are named after who made them: of two at once each makes its own.
        c["key"], c["issued"] = op.n, Symbol(f"{h}.issued.{op.n}")
        c["quoted"], c["returned"] = None, False
        self.event(op, h, "circuit.service_key_rotated")
        self.settle(op, h)
        return Answer(200, self.circuit_view(h), len(c["events"]))

    # --- partners ---------------------------------------------------------------------------------

    def shown_to(self, partner, circuit, key):
        c = self.circuits.get(circuit)
        return c if c and c["partner"] == partner and c["key"] == key else None

    def quote(self, op, h):
        """The partner has shown that it holds the key."""
        self.circuits[h]["quoted"] = Symbol(f"{op.n}.{h}.quoted")
        self.event(op, h, "circuit.updated")
        self.settle(op, h)

    def partner_circuit_quote(self, op):
        h = op.args["circuit"]
        c = self.shown_to(op.actor[1], h, op.args["key"])
        if not c or c["deleted"]:
            return NOT_FOUND
        if not c["quoted"]:
            self.quote(op, h)
        return Answer(200, self.partner_view(h))

    def callback_apply(self, op):
        a, h = op.args, op.args["circuit"]
        by_operator = op.actor[0] == "operator"
        c = self.shown_to(a["partner"], h, a["key"])
        if not c:
            return NOT_FOUND
        quotes = not by_operator and not c["quoted"] and not c["deleted"]
        memory = (a["partner"], by_operator, a["webhook_id"])
        effect, to = TABLE.get((a["type"], c["provider"]), (REFUSED, None))
        if a["type"] == "circuit.rejected" and c["provider"] == "Provisioned" and c["requested"]:
            effect, to = STAYS, "Provisioned"
        if memory in self.remembered:
            reason = "duplicate" if self.remembered[memory] == a["body"] else "webhook_id_reused"
        elif c["deleted"] and a["type"] != "circuit.deprovisioned":
            return NOT_FOUND
        elif c["newest"] is not None and a["at"] < c["newest"]:
            reason = "stale"
        else:
            reason = {REFUSED: "illegal_transition", ALREADY: "already"}.get(effect, "applied")
        newest = a["times"](c["newest"])[:-1] + "000Z" if reason == "stale" else None
        if reason in ("applied", "already", "stale"):
            self.remembered[memory] = a["body"]
        if reason in ("applied", "already"):
            c["newest"] = a["at"]
        if reason == "applied":
            self.moved(op, h, to, quotes)
        elif quotes:
            self.quote(op, h)
        if reason == "webhook_id_reused":
            return Refusal({reason: {}})
        if reason == "illegal_transition":
            return Refusal({reason: {"providerStatus": c["provider"]}})
        return Answer(200, {
            "applied": reason == "applied", "reason": reason, "newestTimestamp": newest,
            "circuit": self.partner_view(h)})

    def moved(self, op, h, to, quotes):
        """What an event of the table does beside the status."""
        a, c, kind, data = op.args, self.circuits[h], op.args["type"], op.args["data"]
        before, delete = c["provider"], c["delete"]
        self.event(op, h, kind, to, a["times"](a["at"]), data.get("reason") or data.get("note"))
        now = Symbol(f"{op.n}.{h}.now")
        if quotes:
            c["quoted"] = Symbol(f"{op.n}.{h}.quoted")
        c["returned"] = to == "NotProvisioned" and kind != "circuit.progress"
        if kind == "circuit.rejected" or to == "NotProvisioned":
            c["requested"], c["delete"] = None, False
        if to == "Provisioned" != before:
            c["provisioned"] = now
        if kind == "circuit.deprovisioned":
            c["deprovisioned"] = now
        if kind == "circuit.rejected":
            c["rejection"] = {"reason": data["reason"], "at": Symbol(f"{op.n}.{h}.rejected")}
        shown = {"note": "partnerNote"}
        c["said"] = {**c["said"], **{shown.get(name, name): value
                                     for name, value in data.items() if name != "reason"}}
        if c["status"] == "Enabled" and (before == "Provisioned") != (to == "Provisioned"):
            self.follow(op, h, to == "Provisioned")
        if delete and to == "NotProvisioned":
            self.remove(op, h)
        self.settle(op, h)

    # --- VNets ------------------------------------------------------------------------------------

    def vnet_create(self, op):
        a, h = op.args, f"v{op.n}"
        if any(overlap([p], a["space"][:i]) for i, p in enumerate(a["space"])):
            return Refusal({"invalid_request": {}})
        self.vnets[h] = {
            "owner": op.actor[1], "name": a["name"], "space": tuple(a["space"]), "gateway": None,
            "tags": a["tags"], "version": 1, "created": Symbol(f"{h}.created"),
            "updated": Symbol(f"{op.n}.{h}.updated"),
        }
        return Answer(201, self.vnet_view(h), 1)

    def changed(self, op, h, **members):
        v = self.vnets[h]
        if any(v[name] != value for name, value in members.items()):
            v.update(members, version=v["version"] + 1, updated=Symbol(f"{op.n}.{h}.updated"))

    def vnet_update(self, op):
        h, a = op.args["vnet"], op.args
        v = self.mine(op, self.vnets, h)
        if not v:
            return NOT_FOUND
        space = tuple(a.get("space", v["space"]))
        refusals = {}
        if any(overlap([p], space[:i]) for i, p in enumerate(space)):
            refusals["invalid_request"] = {}
        if self.stale(op, v["version"]):
            return Refusal({**refusals, **self.stale(op, v["version"]).codes})
        if set(space) != set(v["space"]) and self.of_vnet(h):
            refusals["vnet_in_use"] = self.vnet_in_use(h)
        if v["gateway"] and not inside(v["gateway"], space):
            refusals["invalid_request"] = {}
        if refusals:
            return Refusal(refusals)
        self.changed(op, h, name=a.get("name", v["name"]), space=space,
                     tags=merged(v["tags"], a.get("tags", {})))
        return Answer(200, self.vnet_view(h), v["version"])

    def vnet_delete(self, op):
        h = op.args["vnet"]
        v = self.mine(op, self.vnets, h)
        if not v:
            return NOT_FOUND
        if self.stale(op, v["version"]):
            return self.stale(op, v["version"])
        if self.of_vnet(h):
            return Refusal({"vnet_in_use": self.vnet_in_use(h)})
        del self.vnets[h]
        return Answer(204)

    def vnet_gateway_put(self, op):
        h, subnet = op.args["vnet"], op.args["subnet"]
        v = self.mine(op, self.vnets, h)
        if not v:
            return NOT_FOUND
        if self.stale(op, v["version"]):
            return self.stale(op, v["version"])
        refusals = {}
        if self.of_vnet(h) and subnet != v["gateway"]:
            refusals["vnet_in_use"] = self.vnet_in_use(h)
        if not inside(subnet, v["space"]):
            refusals["invalid_request"] = {}
        if refusals:
            return Refusal(refusals)
        self.changed(op, h, gateway=subnet)
        return Answer(200, self.vnet_view(h))

    def vnet_gateway_delete(self, op):
        h = op.args["vnet"]
        v = self.mine(op, self.vnets, h)
        if not v:
            return NOT_FOUND
        if self.stale(op, v["version"]):
            return self.stale(op, v["version"])
        if not v["gateway"]:
            return NOT_FOUND
        if self.of_vnet(h):
            return Refusal({"vnet_in_use": self.vnet_in_use(h)})
        self.changed(op, h, gateway=None)
        return Answer(204)

    # --- authorizations and connections -----------------------------------------------------------

    def authorization_create(self, op):
        circuit, h = op.args["circuit"], f"a{op.n}"
        c = self.mine(op, self.circuits, circuit)
        if not c:
            return NOT_FOUND
        if self.stale(op, len(c["events"])):
            return self.stale(op, len(c["events"]))
        if c["delete"]:
            return Refusal({"circuit_deprovision_requested": {}})
        self.authorizations[h] = {
            "circuit": circuit, "name": op.args["name"], "created": Symbol(f"{h}.created")}
        return Answer(201, self.authorization_view(h))

    def authorization_delete(self, op):
        circuit, h = op.args["circuit"], op.args["authorization"]
        c = self.mine(op, self.circuits, circuit)
        if not c:
            return NOT_FOUND
        if self.stale(op, len(c["events"])):
            return self.stale(op, len(c["events"]))
        if self.authorizations.get(h, {}).get("circuit") != circuit:
            return NOT_FOUND
        for connection in [k for k, v in self.connections.items() if v["authorization"] == h]:
            self.disconnect(op, connection)
        del self.authorizations[h]
        return Answer(204)

    def connection_create(self, op):
        vnet, by = op.args["vnet"], op.args["authorization"]
        v = self.mine(op, self.vnets, vnet)
        if by:
            circuit = self.authorizations.get(by, {}).get("circuit")
            c = self.circuits.get(circuit)
        else:
            circuit = op.args["circuit"]
            c = self.mine(op, self.circuits, circuit)
        if not c or not v:
            return NOT_FOUND
        shared = c["owner"] != op.actor[1]
        used, joined = self.of_circuit(circuit), self.of_vnet(vnet)
        refusals = {}
        if c["status"] == "Disabled":
            refusals["circuit_disabled"] = {}
        if c["provider"] != "Provisioned":
            refusals["circuit_not_provisioned"] = {} if shared else {
                "providerStatus": c["provider"]}
        if c["delete"]:
            refusals["circuit_deprovision_requested"] = {}
        if not v["gateway"]:
            refusals["vnet_has_no_gateway"] = {}
        if set(used) & set(joined):
            refusals["already_connected"] = {}
        if by and any(k["authorization"] == by for k in self.connections.values()):
            refusals["authorization_in_use"] = {}
        if len(used) >= self.limit(c):
            refusals["circuit_vnet_limit_reached"] = {
                "limit": self.limit(c), "used": len(used), "scope": "circuit"}
        if len(joined) >= CIRCUITS_PER_VNET:
            refusals["vnet_circuit_limit_reached"] = {
                "limit": CIRCUITS_PER_VNET, "used": len(joined), "scope": "vnet"}
        others = [k["vnet"] for k in used.values() if k["vnet"] != vnet]
        if any(overlap(v["space"], self.vnets[other]["space"]) for other in others):
            refusals["address_space_overlap"] = {}
        if refusals:
            return Refusal(refusals)
        h = f"k{op.n}"
        self.connections[h] = {"circuit": circuit, "vnet": vnet, "authorization": by,
                               "created": Symbol(f"{h}.created")}
        self.counted(op, circuit, vnet, "connection.created")
        return Answer(201, self.connection_view(h, op.actor[1]))

    def counted(self, op, circuit, vnet, kind):
        """Both sides show how many connections they have."""
        self.event(op, circuit, kind)
        v = self.vnets[vnet]
        v.update(version=v["version"] + 1, updated=Symbol(f"{op.n}.{vnet}.updated"))

    def disconnect(self, op, h):
        k = self.connections.pop(h)
        self.counted(op, k["circuit"], k["vnet"], "connection.deleted")

    def connection_delete(self, op):
        h = op.args["connection"]
        k = self.connections.get(h)
        owners = k and (self.circuits[k["circuit"]]["owner"], self.vnets[k["vnet"]]["owner"])
        if not k or op.actor[1] not in owners:
            return NOT_FOUND
        self.disconnect(op, h)
        return Answer(204)

    # --- limits -----------------------------------------------------------------------------------

    def vnet_limits_put(self, op):
        cell, limit = ("Premium", op.args["bandwidth"]), op.args["limit"]
        of_cell = [h for h, c in self.circuits.items()
                   if (c["tier"], c["bandwidth"]) == cell and not c["deleted"]]
        most = max((len(self.of_circuit(h)) for h in of_cell), default=0)
        if most > limit:
            return Refusal({"circuit_vnet_limit_reached": {
                "limit": limit, "used": most, "scope": "circuit"}})
        if self.limits.get(cell, 10) != limit:
            self.limits[cell] = limit
            for h in of_cell:
                self.event(op, h, "circuit.updated")
        return Answer(200, ...)

    def customer_limits_put(self, op):
        owner, most, there = op.args["customer"], op.args["circuits"], op.args["per_location"]
        living = [c for c in self.circuits.values() if c["owner"] == owner and not c["deleted"]]
        at = [sum(c["location"] == place for c in living) for place in ("Amsterdam", "London")]
        refusals = {}
        if most is not None and len(living) > most:
            refusals["customer_circuit_limit_reached"] = {
                "limit": most, "used": len(living), "scope": "customer"}
        if there is not None and max(at) > there:
            refusals["location_circuit_limit_reached"] = {
                "limit": there, "used": max(at), "scope": "peering_location"}
        if refusals:
            return Refusal(refusals)
        self.quotas[owner] = (most, there)
        return Answer(200, ...)


def key_of(circuit, made_by):
    """The service key that the order (0), or a rotation, made."""
    return Symbol(f"{circuit}.key.{made_by}", True)
