# SPDX-License-Identifier: Apache-2.0
"""simulate-partner as a child, for a partner of its own on a running place."""

import json
import subprocess

from client import Client
from place import BINARY, environment
from tenant import Customer, Partner

QUICK = ("--delay", "0..20ms")


class Simulation:
    def __init__(self, place):
        self.place = place
        variables = place.variables()
        self.url = variables["ONRAMP_URL"]
        operator = Client(self.url, variables["ONRAMP_OPERATOR_TOKEN"])
        self.operator = operator
        self.customer = Customer(operator)
        self.partner = Partner(operator)
        self.env = {"ONRAMP_URL": self.url, "ONRAMP_PARTNER": self.partner.slug,
                    "ONRAMP_PARTNER_TOKEN": self.partner.token,
                    "ONRAMP_PARTNER_SECRET": self.partner.secret}

    def circuits(self, count):
        return [self.customer.circuit(self.partner) for _ in range(count)]

    def keys_file(self, circuits):
        path = f"{self.place.directory}/keys-{self.partner.slug}"
        with open(path, "w", encoding="ascii") as file:
            file.writelines(circuit["serviceKey"] + "\n" for circuit in circuits)
        return path

    def start(self, *words, env=None, **pipes):
        """Not waited for; ended by whoever started it, or by the place."""
        child = subprocess.Popen(
            [BINARY, "simulate-partner", *words], text=True, cwd="/",
            env=environment(**{**self.env, **(env or {})}),
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
               "stderr": subprocess.PIPE, **pipes})
        self.place.children.append(child)
        return child

    def run(self, *words, env=None, stdin=None, timeout=60):
        return subprocess.run(
            [BINARY, "simulate-partner", *words], text=True, cwd="/", input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None, capture_output=True,
            timeout=timeout, check=False, env=environment(**{**self.env, **(env or {})}))

    def play(self, circuits, *words, code=0):
        """All of it, to the end, from a file; the report."""
        done = self.run("--keys", self.keys_file(circuits), "--until-idle", "--json", *words)
        assert done.returncode == code, (done.stdout[-3000:], done.stderr)
        return json.loads(done.stdout)

    def statuses(self, circuits):
        return [self.customer.read(circuit)["providerStatus"] for circuit in circuits]

    def check(self, circuits, report):
        """The server says of each circuit what the plan and the report say, and its history has
        every event once."""
        orders = {order["serviceKey"]: order for order in report["orders"]}
        assert set(orders) == {circuit["serviceKey"] for circuit in circuits}
        for circuit in circuits:
            order = orders[circuit["serviceKey"]]
            now = self.customer.read(circuit)
            assert order["asPlanned"] and order["fault"] is None, order
            assert order["circuitId"] == circuit["id"]
            assert now["providerStatus"] == order["providerStatus"] == order["expected"], order
            self._check_plan(now, order)
            types = [event["type"] for event in self.customer.events(circuit)
                     if event["type"] not in ("circuit.created", "circuit.updated",
                                              "circuit.stalled")]
            assert len(types) == len(set(types)), types

    @staticmethod
    def _check_plan(now, order):
        late = bool(order["callbacks"]) and order["callbacks"][0]["overtakenByNext"]
        ports = [now["primaryPort"], now["secondaryPort"], now["sTag"]]
        assert now["keyQuotedAt"] is not None
        if order["plan"] == "provisioned":
            assert None not in ports and now["lastRejection"] is None
            assert now["providerStatus"] == "Provisioned" or order["deprovisioned"]
        elif order["plan"] == "rejected":
            assert now["providerStatus"] == "NotProvisioned"
            assert len(now["lastRejection"]["reason"]) > 20
            assert now["waitingOn"] == "customer"
        elif order["plan"] == "promised":
            assert now["providerStatus"] == ("NotProvisioned" if late else "Provisioning")
            assert now["expectedBy"] is not None and now["waitingOn"] == "partner"
        else:
            assert now["providerStatus"] == "NotProvisioned" and now["expectedBy"] is None
            assert now["waitingOn"] == "partner"
