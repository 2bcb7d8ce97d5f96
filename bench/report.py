# SPDX-License-Identifier: Apache-2.0
"""The figures as Markdown."""

import statistics

from bars import best_of_pgbench, judge
from calibration import calibration_sentence
from contenders import CLIENTS


def medians_of(results):
    return {workload: {name: {key: statistics.median(turn[key] for turn in turns)
                              for key in turns[0]}
                       for name, turns in sides.items()}
            for workload, sides in results.items()}


def spread(turns, key):
    values = [turn[key] for turn in turns]
    return f"{min(values):,.0f}-{max(values):,.0f}"


def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def rates(results, medians):
    others = [name for name in next(iter(results.values())) if name != "onramp"]
    rows = []
    for workload, sides in results.items():
        ours = medians[workload]["onramp"]["rate"]
        best = best_of_pgbench(medians[workload])
        row = [workload, f"{ours:,.0f} ({spread(sides['onramp'], 'rate')})"]
        for name in others:
            theirs = medians[workload][name]["rate"]
            mark = "*" if name == best else ""
            row.append(f"{theirs:,.0f}{mark} ({spread(sides[name], 'rate')})"
                       f" **{ours / theirs:.2f}**")
        rows.append(row)
    table(["requests/s", "onramp", *(f"{name}, **ratio**" for name in others)], rows)


def latencies(medians):
    names = list(next(iter(medians.values())))
    rows = [[workload, *(" / ".join(f"{sides[name][key]:.1f}" for key in ("p50", "p99", "p999"))
                         for name in names)]
            for workload, sides in medians.items()]
    table(["p50 / p99 / p99.9 ms", *names], rows)


def costs(medians):
    names = list(next(iter(medians.values())))
    rows = [[workload, *(f"{sides[name]['cpu_server']:.3f} + {sides[name]['cpu_postgres']:.3f}"
                         for name in names)]
            for workload, sides in medians.items()]
    table(["CPU s per 1,000: server + PostgreSQL", *names], rows)


def foreign_sentence(turns):
    foreign = [turn["foreign"] for turn in turns]
    return (f"Other programs used {statistics.median(foreign):.0%} of the processors"
            f" ({min(foreign):.0%}-{max(foreign):.0%}) meanwhile.")


def report(results, hello, size, facts):
    medians = medians_of(results)
    print(f"{facts['circuits']:,} circuits of {facts['customers']:,} customers, {CLIENTS}"
          f" connections, {size.rounds} rounds of {size.seconds} s in turns, {facts['processors']}"
          f" processors shared by server, PostgreSQL and load; fsync and synchronous_commit on."
          f" Medians (least-most); * pgbench's best.\n")
    rates(results, medians)
    latencies(medians)
    costs(medians)
    if hello:
        told = medians_of({"hello": hello})["hello"]
        print(f"HTTP alone, GET /healthz: {told['onramp']['rate']:,.0f}/s"
              f" ({spread(hello['onramp'], 'rate')}), the raw epoll loop"
              f" {told['epoll']['rate']:,.0f}/s ({spread(hello['epoll'], 'rate')}).")
        medians["hello"] = told
    memory = facts["memory"]
    print(f"Memory: server {memory['server']['peak']:.1f} MB RSS at its peak under load"
          f" ({memory['server']['pss']:.0f} MB PSS after it), PostgreSQL"
          f" {memory['postgres']:.0f} MB PSS"
          + (f", fastify {memory['fastify']['peak']:.0f} MB RSS." if "fastify" in memory else "."))
    print(calibration_sentence(facts["calibration"]), foreign_sentence(
        [turn for sides in results.values() for turns in sides.values() for turn in turns]) + "\n")
    verdicts = judge(medians, memory["server"]["peak"])
    for sentence, reached, wanted, met in verdicts:
        if not met:
            print(f"Bar not met: {sentence}: {reached:.2f}, wanted {wanted:g}.")
    met = sum(verdict[3] for verdict in verdicts)
    print(f"{met} of {len(verdicts)} bars met.")
