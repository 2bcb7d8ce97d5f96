# SPDX-License-Identifier: Apache-2.0
"""What onramp is to reach, as ratios of medians in one run at 64 connections."""

WORKLOADS = ("get", "list", "create", "callback", "connect", "mix")

# Requests a second of onramp by those of the other, at least.
RATES = {
    "pgbench 64": {"get": 1.0, "list": 1.1, "create": 2.0, "callback": 1.8, "connect": 1.6},
    "pgbench best": {"get": 0.65, "list": 0.75, "create": 1.5, "callback": 1.45, "connect": 1.2},
    "fastify": {"get": 4.0, "list": 2.9, "create": 2.8, "callback": 2.6, "connect": 2.1},
    "epoll": {"hello": 0.9},
}
RSS_MB = 16


def best_of_pgbench(medians):
    """The client count at which pgbench was fastest."""
    return max((name for name in medians if name.startswith("pgbench")),
               key=lambda name: medians[name]["rate"], default=None)


def judge(medians, memory):
    """[(sentence, reached, wanted, met)] of all bars that this run can tell of; medians is
    {workload: {contender: {figure: median}}}."""
    verdicts = []

    def at_least(sentence, reached, wanted):
        verdicts.append((sentence, reached, wanted, reached >= wanted))

    for other, bars in RATES.items():
        for workload, wanted in bars.items():
            sides = medians.get(workload, {})
            name = best_of_pgbench(sides) if other == "pgbench best" else other
            if name in sides:
                ratio = sides["onramp"]["rate"] / sides[name]["rate"]
                label = other if other == name else f"{other} ({name.split()[1]})"
                at_least(f"{workload} against {label}", ratio, wanted)
    for workload in WORKLOADS:
        sides = medians.get(workload, {})
        if "pgbench 64" in sides:
            at_least(f"{workload}: p99 of pgbench 64 by ours",
                     sides["pgbench 64"]["p99"] / sides["onramp"]["p99"], 1.0)
        if workload != "get" and sides:
            ours = sides["onramp"]
            at_least(f"{workload}: CPU of PostgreSQL by the server's",
                     ours["cpu_postgres"] / max(ours["cpu_server"], 1e-6), 1.0)
    verdicts.append(("peak RSS of the server in MB at 64 connections, at most", memory, RSS_MB,
                     memory <= RSS_MB))
    return verdicts
