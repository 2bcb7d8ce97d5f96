# SPDX-License-Identifier: Apache-2.0
"""One turn of one contender: what it did, what it cost, and whether the database agrees."""

import os
import time

from contenders import CLIENTS
from processes import busy_seconds, own_children_seconds, seconds_of_family

SETTLING = 0.1  # seconds until PostgreSQL has waited for the backends that ended


def count_events(server):
    return int(server.psql("-c", "SELECT count(*) FROM circuit_events"))


def take_turn(server, size, workload, contender, turn):
    writes = workload in ("create", "callback", "connect", "mix")
    if workload in ("connect", "mix"):
        server.psql("-c", "DELETE FROM connections")
    server.psql("-c", "SET ROLE NONE", "-c", "CHECKPOINT")
    before = count_events(server) if writes else 0
    cpu_server, cpu_postgres = contender.cpu(), seconds_of_family(server.postmaster)
    began, busy, own = time.monotonic(), busy_seconds(), own_children_seconds()
    result = contender.take(size, workload, turn)
    time.sleep(SETTLING)
    cpu_server = contender.cpu() - cpu_server
    cpu_postgres = seconds_of_family(server.postmaster) - cpu_postgres
    cpu_load = own_children_seconds() - own
    result["cpu_server"] = cpu_server * 1000 / result["requests"]
    result["cpu_postgres"] = cpu_postgres * 1000 / result["requests"]
    result["cpu_load"] = cpu_load * 1000 / result["requests"]
    foreign = busy_seconds() - busy - cpu_server - cpu_postgres - cpu_load
    result["foreign"] = max(foreign / (time.monotonic() - began) / os.cpu_count(), 0.0)
    if writes:
        events = count_events(server) - before
        # The last request of each connection may be answered after the end.
        if not result["written"] <= events <= result["written"] + CLIENTS:
            raise SystemExit(f"bench: {contender.name} {workload}: {result['written']} writes made"
                             f" {events} events")
    return result
