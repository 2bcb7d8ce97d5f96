# SPDX-License-Identifier: Apache-2.0
"""Heads and bodies in chunks, drawn from the grammar of RFC 9112, against the code that reads them.

What the grammar makes is accepted with the right parts; what it does not make is refused, for the
right reason; and what comes in in pieces is judged as at once.

ONRAMP_TEST_CASES  how many of each of seven kinds, 8,000 unless told otherwise
ONRAMP_TEST_SEED   what they are drawn from, 1
"""

import os
import random
import struct
import subprocess

import pytest

from drawing import NEAR_MISSES, Chunks, Head, chunks_miss, mutated
from verdicts import GRAMMAR, judge_chunks, judge_head

CASES = int(os.environ.get("ONRAMP_TEST_CASES", 8000))
SEED = int(os.environ.get("ONRAMP_TEST_SEED", 1))
READER = os.environ["ONRAMP_READER"]
BATCH = 2000


def read(cases):
    """What the reader says of each case: (letter, octets)."""
    for begin in range(0, len(cases), BATCH):
        batch = cases[begin:begin + BATCH]
        given = b"".join(letter + struct.pack("<I", len(octets)) + octets for letter, octets in batch)
        answer = subprocess.run([READER], input=given, capture_output=True, check=True).stdout
        lines = answer.decode().split("\n")[:-1]
        assert len(lines) == len(batch)
        yield from zip((octets for _, octets in batch), (line.split(" ") for line in lines))


def tell(what, count):
    print(f"{what}: {count} cases, seed {SEED}", flush=True)


def compare_head(octets, words, verdict):
    """What is wrong with the reader's words, or None."""
    same, kind, code = words[:3]
    if same != "same":
        return "it is judged otherwise in pieces"
    if kind == "refused" and verdict.kind != "complete" and code in verdict.codes:
        return None
    if kind != verdict.kind or kind == "refused":
        return f"{kind} {code} in place of {verdict.kind} {sorted(verdict.codes)}"
    if kind == "incomplete":
        return None
    numbers = list(map(int, words[3:]))
    wanted = [verdict.length, *verdict.method, *verdict.target, verdict.close, verdict.http10,
              verdict.sized, verdict.chunked, verdict.expects, verdict.content_length]
    if numbers[:11] != wanted:
        return f"{numbers[:11]} in place of {wanted}"
    fields = [tuple(numbers[at:at + 4]) for at in range(11, len(numbers), 4)]
    if len(fields) != len(verdict.fields):
        return f"{len(fields)} fields in place of {len(verdict.fields)}"
    for found, meant in zip(fields, verdict.fields):
        if found[:2] != meant[:2] or found[3] != meant[3] or meant[2] not in (None, found[2]):
            return f"the field {found} in place of {meant}"
    return None


def check_heads(cases, kinds=("complete", "refused", "incomplete")):
    """Every case, against the verdict by the grammar, which is one of those kinds."""
    told = dict.fromkeys(("complete", "refused", "incomplete"), 0)
    for octets, words in read([(b"h", octets) for octets in cases]):
        verdict = judge_head(octets)
        assert verdict.kind in kinds, (SEED, octets, verdict)
        wrong = compare_head(octets, words, verdict)
        assert not wrong, f"seed {SEED}: {wrong} for {octets!r}"
        told[words[1]] += 1
    return told


def check_chunks(cases, kinds=("done", "more", "malformed", "too_large", "too_large?")):
    told = {}
    for octets, (same, kind, used, data) in read([(b"c", octets) for octets in cases]):
        verdict = judge_chunks(octets)
        where = f"seed {SEED}: {kind} after {used} in place of {verdict} for {octets!r}"
        assert verdict.kind in kinds, where
        assert same == "same", where
        if verdict.kind != "too_large?":
            assert kind == verdict.kind, where
            assert data == verdict.data.hex(), where
        if verdict.kind in ("done", "more", "malformed"):
            assert int(used) == verdict.used, where
        told[kind] = told.get(kind, 0) + 1
    return told


def test_heads_of_the_grammar_are_accepted_with_their_parts():
    rng = random.Random(SEED)
    heads = [Head(rng).octets() for _ in range(CASES)]
    told = check_heads([head + rng.choice((b"", b"", b"GET", rng.randbytes(9))) for head in heads],
                       kinds=("complete",))
    assert told["complete"] == CASES
    tell("valid heads", CASES)


def test_every_beginning_of_a_head_is_incomplete():
    rng = random.Random(SEED + 1)
    heads = [Head(rng).octets() for _ in range(CASES)]
    told = check_heads([head[:rng.randrange(len(head))] for head in heads], kinds=("incomplete",))
    assert told["incomplete"] == CASES
    tell("beginnings of heads", CASES)


@pytest.mark.parametrize("miss", NEAR_MISSES, ids=lambda miss: miss.__name__)
def test_a_head_that_misses_the_grammar_is_refused(miss):
    rng = random.Random(f"{SEED} {miss.__name__}")
    count = CASES // len(NEAR_MISSES)
    told = check_heads([miss(Head(rng), rng) for _ in range(count)], kinds=("refused",))
    assert told["refused"] == count
    tell(f"heads with {miss.__name__}", count)


def test_mutated_heads_are_judged_as_by_the_grammar():
    rng = random.Random(SEED + 2)
    told = check_heads([mutated(rng, Head(rng).octets()) for _ in range(CASES)])
    assert min(told[kind] for kind in ("complete", "refused")) > CASES // 20, told
    tell(f"mutated heads {told}", CASES)


def test_bodies_of_the_grammar_are_decoded():
    rng = random.Random(SEED + 3)
    bodies = [Chunks(rng) for _ in range(CASES)]
    cases = [body.octets() + rng.choice((b"", b"", b"GET / H", rng.randbytes(9)))
             for body in bodies]
    for body, octets in zip(bodies, cases):
        verdict = judge_chunks(octets)
        assert verdict.data == body.data() and verdict.used == len(body.octets()), (SEED, octets)
    told = check_chunks(cases, kinds=("done",))
    assert told == {"done": CASES}
    tell("valid bodies", CASES)


def test_every_beginning_of_a_body_wants_more():
    rng = random.Random(SEED + 4)
    bodies = [Chunks(rng).octets() for _ in range(CASES)]
    told = check_chunks([body[:rng.randrange(len(body))] for body in bodies], kinds=("more",))
    assert told == {"more": CASES}
    tell("beginnings of bodies", CASES)


def test_a_body_that_misses_the_grammar_is_refused():
    rng = random.Random(SEED + 5)
    told = check_chunks([chunks_miss(rng) for _ in range(CASES)],
                        kinds=("malformed", "too_large", "too_large?"))
    assert told["malformed"] + told["too_large"] == CASES
    tell(f"near misses of bodies {told}", CASES)


def test_mutated_bodies_are_judged_as_by_the_grammar():
    rng = random.Random(SEED + 6)
    told = check_chunks([mutated(rng, Chunks(rng).octets()) for _ in range(CASES)])
    assert min(told[kind] for kind in ("done", "malformed")) > CASES // 20, told
    tell(f"mutated bodies {told}", CASES)


def test_the_recogniser_knows_what_it_draws():
    """The two readings of the grammar agree: what is drawn from a rule is recognised as it."""
    rng = random.Random(SEED + 7)
    rules = ("Host-field", "request-target", "field-line", "chunk-head", "IPv6address", "token")
    for rule in rules:
        for _ in range(500):
            drawn = GRAMMAR.draw(rule, rng)
            assert GRAMMAR.recogniser(rule).holds(drawn), (rule, drawn)
    tell("drawn rules", 500 * len(rules))
