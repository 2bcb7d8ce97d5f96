# SPDX-License-Identifier: Apache-2.0
"""Histories: operations that are drawn by hypothesis, sent to the servers and applied to the model.

What is done at once has to be explained by some order of it. Where several orders explain the answers
and what is seen afterwards, all of them are kept, as worlds of which one is the real one, until
something tells them apart. A history fails when no world is left."""

import collections
import datetime
import itertools
import json
import time
import uuid

from hypothesis import strategies as st

from model import (CIRCUITS_PER_VNET, EVENTS, HTTP, NOT_FOUND, OFFERS, Answer, Model, Refusal,
                   Symbol, key_of)
from signature import sign

# Days of the partners' clocks, all in the past.
BEGIN = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
READS_AT_ONCE = 12


def instant(seconds):
    return (BEGIN + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


class Among(list):
    """Items with names, which a list has beside others that are not the model's concern."""


class Operation:
    """One request that changes something, or is refused."""

    def __init__(self, n, kind, actor, match=None, dry=False, **args):
        self.n, self.kind, self.actor, self.args = n, kind, actor, args
        self.match = match  # the version that If-Match names
        self.dry = dry

    def __repr__(self):
        args = ", ".join(f"{k}={v!r}" for k, v in self.args.items() if not callable(v))
        how = (" if-match " + str(self.match) if self.match is not None else "") + (
            " dry-run" if self.dry else "")
        return f"{self.n}: {' '.join(self.actor)} {self.kind}({args}){how}"


# --- comparing ----------------------------------------------------------------------------------------


def difference(expected, actual, bound, where=""):
    """None when the answer is the expected one; otherwise where it differs. Binds symbols."""
    if expected is ...:
        return None
    if isinstance(expected, Among) and isinstance(actual, list):
        names = {item["name"] for item in expected}
        actual = [item for item in actual if item["name"] in names]
    if isinstance(expected, Symbol):
        if expected in bound:
            return None if bound[expected] == actual else (
                f"{where}: {expected.name} was {bound[expected]!r} and is {actual!r}")
        if not isinstance(actual, str):
            return f"{where}: {expected.name} is {actual!r}"
        if expected.unique and actual in bound.values():
            return f"{where}: {actual!r} is {expected.name} and something else"
        bound[expected] = actual
        return None
    if isinstance(expected, dict):
        if not isinstance(actual, dict) or set(actual) != set(expected):
            return f"{where}: {sorted(expected)} expected, it is {actual!r}"
        pairs = [(f"{where}/{key}", expected[key], actual[key]) for key in expected]
    elif isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            return f"{where}: {len(expected)} items expected, it is {actual!r}"
        pairs = [(f"{where}/{i}", e, a) for i, (e, a) in enumerate(zip(expected, actual))]
    else:
        return None if expected == actual and type(expected) is type(actual) else (
            f"{where}: {expected!r} expected, it is {actual!r}")
    for below, one, other in pairs:
        told = difference(one, other, bound, below)
        if told:
            return told
    return None


def refused(refusal, reply, bound):
    """None when it is one of the refusals that are right."""
    code = (reply.body or {}).get("code")
    if code not in refusal.codes:
        return f"one of {sorted(refusal.codes)} expected, it is {reply!r}"
    if reply.status != HTTP.get(code, 409):
        return f"{code} with status {reply.status}"
    for name, value in refusal.codes[code].items():
        shown = reply.body.get(name)
        if name == "blockers":
            shown = sorted(({k: b[k] for k in ("type", "id")} for b in shown or ()), key=str)
            value = sorted(({**b, "id": bound.get(b["id"], b["id"])} for b in value), key=str)
        if shown != value:
            return f"{code}: {name} is {shown!r}, not {value!r}"
    return None


def wrong(answer, op, reply, bound):
    """None when a reply is what the model answers."""
    if isinstance(answer, Refusal):
        return refused(answer, reply, bound)
    if reply.status != answer.status:
        return f"{answer.status} expected, it is {reply!r}"
    if op and op.dry != (reply.headers.get("dry-run") == "true"):
        return f"Dry-Run: {reply.headers.get('dry-run')}"
    tag = reply.headers.get("etag")
    version = None if op and op.dry else answer.version
    if version is not None and tag != f'"{version}"':
        return f"ETag {tag}, not of version {version}"
    return difference(answer.body, reply.body, bound)


class World:
    """One explanation of all that was seen: a model, and what its symbols stand for."""

    def __init__(self, model, bound):
        self.model, self.bound = model, bound

    def copy(self):
        return World(self.model.copy(), dict(self.bound))

    def value(self, symbol):
        """What the server calls it; what was never made is called something else."""
        return self.bound.get(symbol) or str(uuid.uuid5(uuid.NAMESPACE_OID, symbol.name))


# --- requests -----------------------------------------------------------------------------------------


class Place:
    """Customers A and B, partners P and Q, fresh for one history, and how each speaks."""

    def __init__(self, rig, number):
        self.rig = rig
        operator = rig.operator
        self.customers, self.partners, self.secrets = {}, {}, {}
        self.tokens = {("operator", "model"): operator.token}
        tag = f"{number}-{uuid.uuid4().hex[:8]}"
        for who in "AB":
            name = f"customer {who} of {tag}"
            made = operator.post("/v1/customers", {"name": name}).must(201).json
            self.customers[who] = {"id": made["id"], "name": name}
            token = {"role": "customer", "customerId": made["id"], "description": name}
            made = operator.post("/v1/tokens", token).must(201).json
            self.tokens["customer", who] = made["token"]
        for who, offers in OFFERS.items():
            slug = f"carrier-{who.lower()}-{tag}"
            body = {"name": slug, "displayName": slug, "offers": [
                {"peeringLocation": place, "bandwidthsMbps": list(bandwidths)}
                for place, bandwidths in offers.items()]}
            self.secrets[who] = operator.post("/v1/partners", body).must(201).json["callbackSecret"]
            self.partners[who] = slug
            token = {"role": "partner", "partner": slug, "description": slug}
            made = operator.post("/v1/tokens", token).must(201).json
            self.tokens["partner", who] = made["token"]

    def get(self, actor, target):
        return ("GET", target, {"Authorization": f"Bearer {self.tokens[actor]}"})

    def request(self, op, world):
        """An operation as a request."""
        method, target, body = getattr(self, op.kind)(op.args, world)
        octets = None if body is None else json.dumps(body).encode()
        headers = {}
        if octets is not None:
            headers["Content-Type"] = "application/json"
        if op.kind == "callback_apply":
            headers["webhook-id"] = op.args["webhook_id"]
        if op.kind == "callback_apply" and op.actor[0] == "partner":
            at = str(int(time.time()))
            headers["webhook-timestamp"] = at
            headers["webhook-signature"] = sign(
                self.secrets[op.actor[1]], op.args["webhook_id"], at, octets)
        else:
            headers["Authorization"] = f"Bearer {self.tokens[op.actor]}"
        if op.match is not None:
            headers["If-Match"] = f'"{op.match}"'
        if op.dry:
            target += "?dryRun=true"
        return method, target, headers, octets

    @staticmethod
    def path(world, kind, handle, below=""):
        return f"/v1/{kind}/{world.value(Symbol(f'{handle}.id', True))}{below}"

    @staticmethod
    def given(args, **names):
        return {json_name: args[name] for name, json_name in names.items() if name in args}

    def circuit_create(self, a, _):
        return "POST", "/v1/circuits", {
            "name": a["name"], "partner": self.partners[a["partner"]],
            "peeringLocation": a["location"], "bandwidthMbps": a["bandwidth"],
            "sku": {"tier": a["tier"], "family": a["family"]}, "tags": a["tags"]}

    def circuit_update(self, a, world):
        body = self.given(a, name="name", bandwidth="bandwidthMbps", tags="tags")
        sku = self.given(a, tier="tier", family="family")
        return "PATCH", self.path(world, "circuits", a["circuit"]), {
            **body, **({"sku": sku} if sku else {})}

    def circuit_status_set(self, a, world):
        return "PATCH", self.path(world, "circuits", a["circuit"]), {
            "circuitStatus": a["status"], "reason": a["reason"]}

    def circuit_delete(self, a, world):
        return "DELETE", self.path(world, "circuits", a["circuit"]), None

    def circuit_deprovision_request(self, a, world):
        body = {} if a["delete"] is None else {"deleteWhenDeprovisioned": a["delete"]}
        return "POST", self.path(world, "circuits", a["circuit"], "/deprovision"), body

    def circuit_deprovision_withdraw(self, a, world):
        return "DELETE", self.path(world, "circuits", a["circuit"], "/deprovision"), None

    def circuit_service_key_rotate(self, a, world):
        return "POST", self.path(world, "circuits", a["circuit"], "/service-key"), None

    def partner_circuit_quote(self, a, world):
        key = world.value(key_of(a["circuit"], a["key"]))
        return "POST", "/v1/partner/circuits", {"serviceKey": key}

    def callback_apply(self, a, world):
        data = {"serviceKey": world.value(key_of(a["circuit"], a["key"])), **a["data"]}
        return "POST", f"/v1/partners/{self.partners[a['partner']]}/callbacks", {
            "type": a["type"], "timestamp": instant(a["at"]), "data": data}

    def vnet_create(self, a, _):
        return "POST", "/v1/vnets", {
            "name": a["name"], "addressSpace": a["space"], "tags": a["tags"]}

    def vnet_update(self, a, world):
        return "PATCH", self.path(world, "vnets", a["vnet"]), self.given(
            a, name="name", space="addressSpace", tags="tags")

    def vnet_delete(self, a, world):
        return "DELETE", self.path(world, "vnets", a["vnet"]), None

    def vnet_gateway_put(self, a, world):
        return "PUT", self.path(world, "vnets", a["vnet"], "/gateway"), {"subnet": a["subnet"]}

    def vnet_gateway_delete(self, a, world):
        return "DELETE", self.path(world, "vnets", a["vnet"], "/gateway"), None

    def authorization_create(self, a, world):
        return "POST", self.path(world, "circuits", a["circuit"], "/authorizations"), {
            "name": a["name"]}

    def authorization_delete(self, a, world):
        below = world.value(Symbol(f"{a['authorization']}.id", True))
        return "DELETE", self.path(
            world, "circuits", a["circuit"], f"/authorizations/{below}"), None

    def connection_create(self, a, world):
        body = {"vnetId": world.value(Symbol(f"{a['vnet']}.id", True))}
        key = world.bound.get(Symbol(f"{a['authorization']}.key", True))
        if key:
            body["authorizationKey"] = key
        else:  # keys carry a checksum: one that never was is a circuit that never was
            missing = a["authorization"] or a["circuit"]
            body["circuitId"] = world.value(Symbol(f"{missing}.id", True))
        return "POST", "/v1/connections", body

    def connection_delete(self, a, world):
        return "DELETE", self.path(world, "connections", a["connection"]), None

    def vnet_limits_put(self, a, _):
        return "PUT", "/v1/limits", {"vnetsPerCircuit": [
            {"tier": "Premium", "bandwidthMbps": a["bandwidth"], "limit": a["limit"]}]}

    def customer_limits_put(self, a, _):
        return "PUT", f"/v1/customers/{self.customers[a['customer']]['id']}/limits", {
            "circuits": a["circuits"], "circuitsPerLocation": a["per_location"]}


# --- histories ----------------------------------------------------------------------------------------

OPERATOR = ("operator", "model")
VERSIONED = {"circuit_update", "circuit_status_set", "circuit_delete", "circuit_deprovision_request",
             "circuit_deprovision_withdraw", "circuit_service_key_rotate", "vnet_update",
             "vnet_delete", "vnet_gateway_put", "vnet_gateway_delete", "authorization_create",
             "authorization_delete"}
DRY = VERSIONED | {"circuit_create", "vnet_create", "connection_create", "connection_delete"}
# How often each is drawn.
KINDS = [kind for kind, share in {
    "circuit_create": 3, "circuit_update": 5, "circuit_status_set": 3, "circuit_delete": 3,
    "circuit_deprovision_request": 4, "circuit_deprovision_withdraw": 2,
    "circuit_service_key_rotate": 2, "partner_circuit_quote": 3, "callback_apply": 14,
    "vnet_create": 4, "vnet_update": 4, "vnet_delete": 2, "vnet_gateway_put": 5,
    "vnet_gateway_delete": 1, "authorization_create": 3, "authorization_delete": 2,
    "connection_create": 16, "connection_delete": 4, "vnet_limits_put": 2, "customer_limits_put": 2,
}.items() for _ in range(share)]
TIERS = ["Standard", "Standard", "Premium", "Premium", "Local"]
SPACES = [["10.1.0.0/16"], ["10.2.0.0/16"], ["10.1.128.0/17", "10.3.0.0/24"], ["10.4.0.0/24"],
          ["10.3.0.0/24", "10.1.128.0/17"], ["10.5.0.0/16", "10.5.1.0/24"], ["10.2.3.0/24"],
          ["10.0.0.0/8"]]
SUBNETS = ["10.1.255.0/27", "10.2.0.0/28", "10.3.0.0/27", "10.4.0.0/28"]
TAGS = [{}, {"site": "hq"}, {"team": "core"}]
SAYS = {"note": ["patched", None], "primaryPort": ["A/1", None], "sTag": [210, 4094, None],
        "partnerReference": ["order 7", None], "expectedBy": ["2099-01-01T00:00:00.000Z", None]}


class History:
    """Draws operations, sends them, and keeps the worlds that explain what comes back."""

    met = collections.Counter()  # how often (operation, code or status) came, in all histories
    failure = None  # what the last history that failed said

    def __init__(self, rig, draw, number):
        self.rig, self.draw = rig, draw
        self.place = Place(rig, number)
        self.worlds = [World(Model(self.place.customers, self.place.partners, {}), {})]
        self.n = 0
        self.told = []  # what was done, in words
        self.owners = {}  # {handle: customer}, also of what was refused
        self.partner = {}  # {circuit: partner}
        self.keys = {}  # {circuit: who made its keys}
        self.connected = {}  # {connection: (circuit, VNet)}, also of what was refused
        self.callbacks = []
        self.limits_touched = False
        self.focus = None  # {letter: handle} while operations are drawn that are to meet

    def any(self, letter):
        """A handle of that kind, mostly of something that is there."""
        if self.focus and letter in self.focus and not self.one_in(4):
            return self.focus[letter]
        model = self.worlds[0].model
        there = {"c": model.circuits, "v": model.vnets, "a": model.authorizations,
                 "k": model.connections}[letter]
        handles = [h for h in self.owners if h[0] == letter and (h in there or self.one_in(20))]
        handle = self.draw(st.sampled_from(handles)) if handles else f"{letter}0"
        if self.focus is not None:
            self.focus.setdefault(letter, handle)
        return handle

    def one_in(self, many):
        # Not integers(), which likes its ends.
        return self.draw(st.sampled_from(range(many))) == many - 1

    def owner(self, handle):
        """Mostly the owner; now and then the other customer, who sees nothing of it."""
        owner = self.owners.get(handle, "A")
        return ("customer", {"A": "B", "B": "A"}[owner] if self.one_in(12) else owner)

    def operation(self, kind=None):
        """Draw one."""
        kind = kind or self.draw(st.sampled_from(KINDS))
        model = self.worlds[0].model
        if kind == "connection_delete" and not model.connections:
            kind = "connection_create"
        if kind == "authorization_delete" and not model.authorizations:
            kind = "authorization_create"
        self.n += 1
        op = getattr(self, "draw_" + kind)(self.n)
        if op.kind in VERSIONED and self.one_in(8):
            op.match = self.version(op) - (1 if self.one_in(2) else 0)
        if op.kind in DRY and self.one_in(10):
            op.dry = True
        return op

    def version(self, op):
        model = self.worlds[0].model
        if "vnet" in op.args:
            return model.vnets.get(op.args["vnet"], {"version": 1})["version"]
        return len(model.circuits.get(op.args["circuit"], {"events": (1,)})["events"])

    def pick(self, *choices):
        return self.draw(st.sampled_from(choices))

    def some(self, choices):
        """A subset of a dictionary of choices."""
        names = self.draw(st.lists(st.sampled_from(sorted(choices)), max_size=2, unique=True))
        return {name: self.pick(*choices[name]) for name in names}

    def draw_circuit_create(self, n, owner=None, **given):
        partner = self.pick("P", "P", "Q")
        location = self.pick("Amsterdam", "Amsterdam", "Amsterdam", "London")
        tier = self.pick(*TIERS)
        args = {
            "name": f"circuit {n}", "partner": partner, "location": location,
            "bandwidth": self.pick(50, 100, 1000), "tier": tier,
            "family": "UnlimitedData" if tier == "Local" and not self.one_in(5)
            else self.pick("MeteredData", "UnlimitedData"), "tags": self.pick(*TAGS), **given}
        h = f"c{n}"
        owner = owner or self.pick("A", "A", "B")
        self.owners[h], self.partner[h], self.keys[h] = owner, args["partner"], [0]
        return Operation(n, "circuit_create", ("customer", owner), **args)

    def draw_circuit_update(self, n):
        h = self.any("c")
        changes = self.some({
            "name": ["renamed", "renamed again"], "bandwidth": [50, 100, 1000, 10000],
            "tier": ["Standard", "Premium", "Local"], "family": ["MeteredData", "UnlimitedData"],
            "tags": [{"site": "hq"}, {"site": None}, {"team": "core", "site": None}]})
        return Operation(n, "circuit_update", self.owner(h), circuit=h, **changes)

    def draw_circuit_status_set(self, n):
        return Operation(n, "circuit_status_set", OPERATOR, circuit=self.any("c"),
                         status=self.pick("Enabled", "Enabled", "Disabled"), reason="Because.")

    def draw_circuit_delete(self, n):
        h = self.any("c")
        return Operation(n, "circuit_delete", self.owner(h), circuit=h)

    def draw_circuit_deprovision_request(self, n):
        h = self.any("c")
        return Operation(n, "circuit_deprovision_request", self.owner(h), circuit=h,
                         delete=self.pick(None, False, True))

    def draw_circuit_deprovision_withdraw(self, n):
        h = self.any("c")
        return Operation(n, "circuit_deprovision_withdraw", self.owner(h), circuit=h)

    def draw_circuit_service_key_rotate(self, n):
        h = self.any("c")
        self.keys.setdefault(h, [0]).append(n)
        return Operation(n, "circuit_service_key_rotate", self.owner(h), circuit=h)

    def partner_and_key(self, h):
        """Mostly the circuit's own partner, and the key that it has."""
        partner = self.partner.get(h, "P")
        if self.one_in(12):
            partner = {"P": "Q", "Q": "P"}[partner]
        circuit = self.worlds[0].model.circuits.get(h, {"key": 0})
        key = self.pick(*self.keys.get(h, [0])) if self.one_in(6) else circuit["key"]
        return partner, key

    def draw_partner_circuit_quote(self, n):
        h = self.any("c")
        partner, key = self.partner_and_key(h)
        return Operation(n, "partner_circuit_quote", ("partner", partner), circuit=h, key=key)

    def draw_callback_apply(self, n):
        if self.callbacks and self.one_in(10):  # once more, octet by octet
            earlier = self.pick(*self.callbacks)
            return Operation(n, "callback_apply", earlier.actor, **earlier.args)
        h = self.any("c")
        kind = self.pick("circuit.provisioned", "circuit.provisioned", *EVENTS)
        return self.callback(n, h, kind)

    def callback(self, n, h, kind):
        partner, key = self.partner_and_key(h)
        by_operator = self.one_in(6)
        data = self.some(SAYS)
        if by_operator or kind == "circuit.rejected" or self.one_in(6):
            data["reason"] = "No port is free."
        webhook_id = f"msg_{n}"
        if self.callbacks and self.one_in(15):
            webhook_id = self.pick(*self.callbacks).args["webhook_id"]
        newest = self.worlds[0].model.circuits.get(h, {"newest": None})["newest"]
        at = newest if newest is not None and self.one_in(6) else 4 * n - self.pick(0, 0, 0, 30)
        op = Operation(
            n, "callback_apply", OPERATOR if by_operator else ("partner", partner),
            partner=partner, circuit=h, key=key, type=kind, data=data, webhook_id=webhook_id,
            at=at, times=instant)
        op.args["body"] = json.dumps([h, key, kind, data, at])
        self.callbacks.append(op)
        return op

    def draw_vnet_create(self, n, owner=None, space=None):
        owner = owner or self.pick("A", "A", "B")
        self.owners[f"v{n}"] = owner
        return Operation(n, "vnet_create", ("customer", owner), name=f"vnet {n}",
                         space=space or self.pick(*SPACES), tags=self.pick(*TAGS))

    def draw_vnet_update(self, n):
        h = self.any("v")
        changes = self.some({"name": ["renamed", "renamed again"], "space": SPACES,
                             "tags": [{"site": "hq"}, {"site": None}]})
        return Operation(n, "vnet_update", self.owner(h), vnet=h, **changes)

    def draw_vnet_delete(self, n):
        h = self.any("v")
        return Operation(n, "vnet_delete", self.owner(h), vnet=h)

    def draw_vnet_gateway_put(self, n, h=None):
        h = h or self.any("v")
        v = self.worlds[0].model.vnets.get(h)
        fits = v["space"][0].split("/")[0] + "/28" if v else SUBNETS[0]
        return Operation(n, "vnet_gateway_put", self.owner(h), vnet=h,
                         subnet=self.pick(*6 * [fits], *SUBNETS))

    def draw_vnet_gateway_delete(self, n):
        h = self.any("v")
        return Operation(n, "vnet_gateway_delete", self.owner(h), vnet=h)

    def draw_authorization_create(self, n):
        h = self.any("c")
        actor = self.owner(h)
        self.owners[f"a{n}"], self.connected[f"a{n}"] = actor[1], (h, None)
        return Operation(n, "authorization_create", actor, circuit=h, name=f"authorization {n}")

    def draw_authorization_delete(self, n):
        a = self.any("a")
        h = self.any("c") if self.one_in(8) else self.connected.get(a, ("c0",))[0]
        return Operation(n, "authorization_delete", self.owner(h), circuit=h, authorization=a)

    def draw_connection_create(self, n):
        vnet, circuit, by = self.any("v"), self.any("c"), None
        model = self.worlds[0].model
        keys = [a for a, one in model.authorizations.items() if one["circuit"] == circuit]
        keys += 2 * [k["authorization"] for k in model.connections.values()
                     if k["circuit"] == circuit and k["authorization"]]
        if keys and (self.owners.get(vnet) != self.owners.get(circuit) or self.one_in(3)):
            by = self.pick(*keys)
        elif self.owners.get(vnet) != self.owners.get(circuit) and not self.one_in(4):
            vnet = self.pick(vnet, *(v for v, one in model.vnets.items()
                                     if one["owner"] == self.owners.get(circuit)))
        self.owners[f"k{n}"], self.connected[f"k{n}"] = self.owners.get(vnet, "A"), (circuit, vnet)
        return Operation(n, "connection_create", self.owner(vnet),
                         circuit=circuit, vnet=vnet, authorization=by)

    def draw_connection_delete(self, n):
        k = self.any("k")
        circuit, _ = self.connected.get(k, ("c0", "v0"))
        actor = self.owner(circuit) if self.one_in(3) else self.owner(k)
        return Operation(n, "connection_delete", actor, connection=k)

    def draw_vnet_limits_put(self, n):
        self.limits_touched = True
        return Operation(n, "vnet_limits_put", OPERATOR, bandwidth=self.pick(50, 100),
                         limit=self.pick(1, 2, 3, 12))

    def draw_customer_limits_put(self, n):
        return Operation(n, "customer_limits_put", OPERATOR, customer=self.pick("A", "B"),
                         circuits=self.pick(None, 1, 3, 5), per_location=self.pick(None, 1, 2, 3))

    # --- doing ---

    def fail(self, why):
        History.failure = "\n".join([*self.told, "", why])
        raise AssertionError(History.failure)

    def do(self, *ops):
        """Send operations, all at once, and keep the worlds in which some order explains them.
        Whether any of them was done."""
        world = self.worlds[0]
        requests = [self.place.request(op, world) for op in ops]
        replies = self.rig.talk(requests, self.n)
        for op, reply in zip(ops, replies):
            outcome = (reply.body or {}).get("reason") or (reply.body or {}).get("code")
            self.met[op.kind, outcome or str(reply.status)] += 1
            self.told.append(f"{'  at once ' if len(ops) > 1 else ''}{op!r} -> {reply!r}"[:400])
        left, reasons = [], []
        for world in self.worlds:
            for order in itertools.permutations(range(len(ops))):
                trial = world.copy() if len(ops) > 1 or len(self.worlds) > 1 else world
                why = None
                for i in order:
                    why = why or wrong(trial.model.apply(ops[i]), ops[i], replies[i], trial.bound)
                if why:
                    reasons.append(why)
                else:
                    left.append(trial)
        if not left:
            self.fail("no order explains it:\n  " + "\n  ".join(dict.fromkeys(reasons)))
        self.worlds = left
        return any(reply.status < 400 for reply in replies)

    def see(self, reads):
        """Compare what is seen with each world; reads: (actor, target, world -> Answer)."""
        reads = list(reads)
        for begin in range(0, len(reads), READS_AT_ONCE):
            part = reads[begin:begin + READS_AT_ONCE]
            replies = self.rig.talk([self.place.get(actor, target) for actor, target, _ in part])
            left, reasons = [], []
            for world in self.worlds:
                why = None
                for (actor, target, expected), reply in zip(part, replies):
                    if not why:
                        told = wrong(expected(world), None, reply, world.bound)
                        why = told and f"{' '.join(actor)} GET {target}: {told}"
                reasons.append(why) if why else left.append(world)
            if not left:
                self.fail("what is seen is not what was done:\n  " + "\n  ".join(reasons))
            self.worlds = self.distinct(left)

    @staticmethod
    def distinct(worlds):
        """One of each kind."""
        if len(worlds) == 1:
            return worlds
        kinds = {}
        for world in worlds:
            state = {k: v for k, v in world.model.__dict__.items()}
            kinds.setdefault(repr((state, sorted(world.bound.items()))), world)
        return list(kinds.values())

    def path(self, kind, handle, below=""):
        return self.place.path(self.worlds[0], kind, handle, below)

    def exists(self, handle):
        return Symbol(f"{handle}.id", True) in self.worlds[0].bound

    def seen_of(self, handles):
        """Reads of what operations were about, by all who may see it."""
        for h in sorted(h for h in handles if h and self.exists(h)):
            if h[0] == "c":
                yield from self.circuit_reads(h)
            elif h[0] == "v":
                yield (("customer", self.owners[h]), self.path("vnets", h), lambda w, h=h: (
                    Answer(200, w.model.vnet_view(h), w.model.vnets[h]["version"])
                    if h in w.model.vnets else NOT_FOUND))
            elif h[0] == "a":
                yield self.authorizations_read(self.connected[h][0])
            elif h[0] == "k":
                circuit, vnet = self.connected[h]
                for owner in {self.owners[circuit], self.owners[vnet]}:
                    yield (("customer", owner), self.path("connections", h),
                           lambda w, h=h, owner=owner: (
                               Answer(200, w.model.connection_view(h, owner))
                               if h in w.model.connections else NOT_FOUND))

    def circuit_reads(self, h):
        def to_owner(w):
            c = w.model.circuits.get(h)
            if not c or c["deleted"]:
                return NOT_FOUND
            return Answer(200, w.model.circuit_view(h), len(c["events"]))

        def to_partner(w):
            c = w.model.circuits.get(h)
            if not c or c["deleted"] or not c["quoted"]:
                return NOT_FOUND
            return Answer(200, w.model.partner_view(h), len(c["events"]))

        yield ("customer", self.owners[h]), self.path("circuits", h), to_owner
        yield ("partner", self.partner[h]), self.path("partner/circuits", h), to_partner

    def authorizations_read(self, circuit):
        def expected(w):
            c = w.model.circuits.get(circuit)
            if not c or c["deleted"]:
                return NOT_FOUND
            return listed(w, [w.model.authorization_view(a) for a, one
                              in w.model.authorizations.items() if one["circuit"] == circuit])

        return (("customer", self.owners.get(circuit, "A")),
                self.path("circuits", circuit, "/authorizations"), expected)

    def everything(self):
        """All of it, by the lists of each role."""
        for who, customer in self.place.customers.items():
            me = ("customer", who)

            def mine(w, things, who=who):
                return [h for h, thing in things.items()
                        if thing["owner"] == who and not thing.get("deleted")]

            def circuits(w, mine=mine):
                return listed(w, [w.model.circuit_view(h) for h in mine(w, w.model.circuits)])

            def vnets(w, mine=mine):
                return listed(w, [w.model.vnet_view(h) for h in mine(w, w.model.vnets)])

            def connections(w, who=who):
                return listed(w, [
                    w.model.connection_view(h, who) for h, k in w.model.connections.items()
                    if who in (w.model.circuits[k["circuit"]]["owner"],
                               w.model.vnets[k["vnet"]]["owner"])])

            def deleted(w, who=who):
                return listed(w, [w.model.circuit_view(h) for h, c in w.model.circuits.items()
                                  if c["owner"] == who and c["deleted"]])

            yield me, "/v1/circuits?limit=200", circuits
            yield me, "/v1/vnets?limit=200", vnets
            yield me, "/v1/connections?limit=200", connections
            of = f"customerId={customer['id']}&limit=200"
            yield OPERATOR, f"/v1/circuits?{of}", circuits
            yield OPERATOR, f"/v1/circuits?deleted=true&{of}", deleted
            yield OPERATOR, f"/v1/vnets?{of}", vnets
            yield me, "/v1/limits?limit=200", lambda w, who=who: limits(w, who)
        for who in self.place.partners:
            yield ("partner", who), "/v1/partner/circuits?limit=200", lambda w, who=who: listed(w, [
                w.model.partner_view(h) for h, c in w.model.circuits.items()
                if c["partner"] == who and c["quoted"] and not c["deleted"]])
        for h in [h for h in self.owners if h[0] == "c" and self.exists(h)]:
            def history(w, h=h, viewer=None):
                c = w.model.circuits.get(h)
                if not c or (viewer and c["deleted"]):
                    return NOT_FOUND
                return Answer(200, {"items": w.model.event_views(h, viewer), "nextCursor": None})

            events = self.path("circuits", h, "/events?limit=200")
            yield OPERATOR, events, history
            yield (("customer", self.owners[h]), events,
                   lambda w, h=h, history=history: history(w, h, self.owners[h]))
            yield self.authorizations_read(h)
            yield OPERATOR, self.place.path(
                self.worlds[0], "connections", h).replace("/connections/", "/connections?circuitId="
            ), lambda w, h=h: listed(w, [
                w.model.connection_view(k) for k in w.model.of_circuit(h)])

    # --- steps ---

    def touched(self, op):
        handles = {v for k, v in op.args.items()
                   if k in ("circuit", "vnet", "authorization", "connection")}
        handles |= {f"{letter}{op.n}" for letter in "cvak"}
        for h in list(handles):
            handles |= set(self.connected.get(h, ()))
        return handles

    def act(self, *ops):
        """Do them, and look at what they were about; after a refusal not each time."""
        if not self.do(*ops) and self.n % 3:
            return
        self.see(self.seen_of(set().union(*map(self.touched, ops))))

    def prologue(self):
        """Something to begin with: a circuit that is built, another one, VNets with gateways."""
        self.n += 1
        plain = {"partner": "P", "location": "Amsterdam", "bandwidth": 1000, "tier": "Standard",
                 "family": "MeteredData"}
        self.do(self.draw_circuit_create(self.n, "A", **plain))
        circuit = f"c{self.n}"
        self.n += 1
        self.do(self.callback(self.n, circuit, "circuit.provisioned"))
        self.do(self.operation("circuit_create"))
        for owner, space in (("A", ["10.1.0.0/16"]), ("A", ["10.2.0.0/16"]), ("B", None)):
            self.n += 1
            self.do(self.draw_vnet_create(self.n, owner, space))
            vnet = f"v{self.n}"
            self.n += 1
            self.do(self.draw_vnet_gateway_put(self.n, vnet))
            if owner == "A" and self.one_in(2):
                self.do(self.connect("A", circuit, vnet))
        self.do(self.operation("authorization_create"))

    def network(self, owner):
        """A VNet with a gateway and an address space of its own."""
        self.n += 1
        space = f"10.{100 + self.n // 256 % 100}.{self.n % 256}.0/24"
        self.do(self.draw_vnet_create(self.n, owner, [space]))
        vnet = f"v{self.n}"
        self.n += 1
        self.do(Operation(self.n, "vnet_gateway_put", ("customer", owner), vnet=vnet,
                          subnet=space.replace("/24", "/28")))
        return vnet

    def connect(self, owner, circuit, vnet):
        self.n += 1
        self.owners[f"k{self.n}"], self.connected[f"k{self.n}"] = owner, (circuit, vnet)
        return Operation(self.n, "connection_create", ("customer", owner), circuit=circuit,
                         vnet=vnet, authorization=None)

    def build(self, circuit):
        """Have a circuit provisioned by its partner, if that is possible."""
        self.n += 1
        c = self.worlds[0].model.circuits.get(circuit, {"key": 0, "partner": "P"})
        op = Operation(
            self.n, "callback_apply", ("partner", c["partner"]), partner=c["partner"],
            circuit=circuit, key=c["key"], type="circuit.provisioned", data={}, at=4 * self.n,
            webhook_id=f"msg_{self.n}", times=instant)
        op.args["body"] = json.dumps([circuit, c["key"], op.args["type"], {}, op.args["at"]])
        self.do(op)

    def to_the_brim(self):
        """Connect VNets to a circuit until no more may be; the last ones at once."""
        circuit = self.any("c")
        owner = self.owners.get(circuit, "A")
        self.build(circuit)
        model = self.worlds[0].model
        c = model.circuits.get(circuit)
        room = model.limit(c) - len(model.of_circuit(circuit)) if c else 0
        ops = [self.connect(owner, circuit, self.network(owner)) for _ in range(room + 1)]
        for op in ops[:-2]:
            self.do(op)
        self.act(*ops[-2:])

    def around(self):
        """Connect a VNet to circuits until no more may be; the last ones at once."""
        owner = self.pick("A", "B")
        vnet, ops = self.network(owner), []
        for _ in range(CIRCUITS_PER_VNET + 1):
            self.n += 1
            self.do(self.draw_circuit_create(
                self.n, owner, partner="P", location="Amsterdam", bandwidth=50, tier="Standard",
                family="MeteredData"))
            circuit = f"c{self.n}"
            self.build(circuit)
            ops.append(self.connect(owner, circuit, vnet))
        for op in ops[:-2]:
            self.do(op)
        self.act(*ops[-2:])

    def at_once(self):
        self.focus = {}
        ops = [self.operation() for _ in range(self.pick(2, 3))]
        self.focus = None
        self.act(*ops)

    def run(self, steps):
        try:
            self.prologue()
            for _ in range(steps):
                what = self.draw(st.sampled_from(range(200)))
                if what < 150:
                    self.act(self.operation())
                elif what < 198:
                    self.at_once()
                elif what == 198:
                    self.to_the_brim()
                else:
                    self.around()
            self.see(self.everything())
        finally:
            self.put_back()

    def put_back(self):
        """The limits are the place's own: other histories begin with what they always were, and
        meet no circuit that uses more than they ask for."""
        model = self.worlds[0].model
        premium = {h for h, c in model.circuits.items() if c["tier"] == "Premium"}
        if not self.limits_touched and not any(
                k["circuit"] in premium for k in model.connections.values()):
            return
        for who in self.place.customers:
            client = self.rig.operator.with_token(self.place.tokens["customer", who])
            for connection in client.pages("/v1/connections"):
                client.delete(f"/v1/connections/{connection['id']}")
        self.rig.operator.put("/v1/limits", {"vnetsPerCircuit": [
            {"tier": "Premium", "bandwidthMbps": bandwidth, "limit": 10} for bandwidth in (50, 100)
        ]}).must(200)


def listed(world, views):
    """A list is in order of id."""
    return Answer(200, {"items": sorted(views, key=lambda view: world.value(view["id"])),
                        "nextCursor": None})


def limits(world, who):
    """Every quota of a customer, with what is used of it."""
    model = world.model
    mine = {h: c for h, c in model.circuits.items() if c["owner"] == who and not c["deleted"]}
    most, there = model.quotas.get(who, (None, None))
    at = {place: sum(c["location"] == place for c in mine.values())
          for place in {c["location"] for c in mine.values()}}
    vnets = [len(model.of_vnet(h)) for h, v in model.vnets.items() if v["owner"] == who]

    def quota(name, scope, used, limit, location=None, tier=None, bandwidth=None):
        return {"name": name, "scope": scope, "peeringLocation": location, "tier": tier,
                "bandwidthMbps": bandwidth, "used": used, "limit": limit,
                "rule": Symbol(f"rule of {name} for {who}")}

    items = [
        quota("circuits", "customer", len(mine), most),
        quota("circuits_per_location", "peering_location", max(at.values(), default=0), there),
        quota("circuits_per_vnet", "vnet", max(vnets, default=0), CIRCUITS_PER_VNET),
    ]
    items += [quota(f"circuits_per_location/{place}", "peering_location", used, there, place)
              for place, used in at.items()]
    for tier, bandwidth in itertools.product(
            ("Local", "Standard", "Premium"), (50, 100, 200, 500, 1000, 2000, 5000, 10000)):
        used = [len(model.of_circuit(h)) for h, c in mine.items()
                if (c["tier"], c["bandwidth"]) == (tier, bandwidth)]
        items.append(quota(
            f"vnets_per_circuit/{tier}/{bandwidth}", "circuit", max(used, default=0),
            model.limits.get((tier, bandwidth), 10), None, tier, bandwidth))
    items.sort(key=lambda item: item["name"])
    return Answer(200, {"items": Among(items), "nextCursor": None})
