# SPDX-License-Identifier: Apache-2.0
"""Pins that the servers do what the reference model says, through random histories, and that the
model would notice if they did not: with a known bug put into the database a history soon fails.

ONRAMP_MODEL_HISTORIES  how many histories, 500 unless told otherwise
ONRAMP_MODEL_STEPS      how many steps each, 30
ONRAMP_TEST_SEED        what they are drawn from, 1; a failure says which it was
"""

import os

import psycopg2
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Flaky
from hypothesis import strategies as st

from history import History
from rig import Rig

HISTORIES = int(os.environ.get("ONRAMP_MODEL_HISTORIES", 500))
STEPS = int(os.environ.get("ONRAMP_MODEL_STEPS", 30))
SEED = int(os.environ.get("ONRAMP_TEST_SEED", 1))
# As many tests, which workers share among them.
SHARES = 2
# In so many histories a bug has to be found; most are in the first dozen.
SOON = 120


def histories(rig, number, start, phases):
    """Run that many histories, and say what they met."""
    ran = []

    @seed(start)
    @settings(max_examples=number, deadline=None, database=None, phases=phases,
              print_blob=False, report_multiple_bugs=False,
              suppress_health_check=list(HealthCheck))
    @given(st.data())
    def one(data):
        ran.append(None)
        History(rig, data.draw, len(ran)).run(STEPS)

    try:
        one()
    except Flaky:
        # What happens at once need not happen again when hypothesis looks a second time.
        raise AssertionError(f"{History.failure}\n(not each time)") from None
    finally:
        print(f"seed {start}: {len(ran)} histories of {STEPS} steps")


@pytest.mark.parametrize("share", range(SHARES))
def test_the_servers_do_what_the_model_says(rig, share):
    start = SEED + share
    History.met.clear()
    histories(rig, HISTORIES // SHARES, start, (Phase.generate, Phase.shrink))
    enough = HISTORIES // SHARES >= 100 and STEPS >= 30  # to meet everything
    # The rarest come four times or so, and what happens at once is not the same in each run.
    for more in range(1, 13):
        if not enough or not missed():
            break
        histories(rig, 50, start + more * SHARES, (Phase.generate, Phase.shrink))
    for (kind, outcome), times in sorted(History.met.items()):
        print(f"{times:7} {kind} {outcome}")
    if enough:
        assert not missed(), f"no history met {missed()}: then nothing was tested of it"


def missed():
    return NOT_TO_BE_MISSED - {outcome for _, outcome in History.met}


# What a run of a hundred histories meets, or it tests nothing of that rule.
NOT_TO_BE_MISSED = {
    "applied", "already", "stale", "duplicate", "illegal_transition", "webhook_id_reused",
    "not_found", "version_mismatch", "invalid_request", "not_offered", "bandwidth_decrease",
    "immutable_field", "circuit_in_use", "vnet_in_use", "nothing_to_deprovision",
    "service_key_in_use", "circuit_disabled", "circuit_not_provisioned", "vnet_has_no_gateway",
    "already_connected", "address_space_overlap", "circuit_vnet_limit_reached",
    "vnet_circuit_limit_reached", "authorization_in_use", "circuit_deprovision_requested",
    "customer_circuit_limit_reached", "location_circuit_limit_reached",
}


# --- known bugs -----------------------------------------------------------------------------------


def swap(function, *changes):
    """SQL that puts other text into a function."""
    text = f"pg_get_functiondef('onramp.{function}'::regproc)"
    checks = ""
    for old, new in changes:
        quoted = [word.replace("'", "''") for word in (old, new)]
        checks += f"ASSERT strpos({text}, '{quoted[0]}') > 0;"
        text = f"replace({text}, '{quoted[0]}', '{quoted[1]}')"
    return f"DO $bug$ BEGIN {checks} EXECUTE {text}; END $bug$;"


BUGS = {
    "an eleventh VNet": swap(
        "connection_create_verdict", ("c.used >= c.vnet_limit", "c.used > c.vnet_limit"))
    + "ALTER TABLE onramp.circuits DROP CONSTRAINT a_circuit_connects_at_most_its_limit;",
    "a fifth circuit": swap("connection_create_verdict", ("v.used >= 4", "v.used >= 5"))
    + "ALTER TABLE onramp.vnets DROP CONSTRAINT a_vnet_joins_at_most_4_circuits;",
    "a refused callback does not quote": swap(
        "callback_apply", ("IF f.quotes THEN", "IF f.quotes AND v_outcome <> 'illegal_transition' THEN")
    ),
    "address spaces may overlap": swap(
        "connection_create_verdict", ("ELSIF p_overlap IS NOT NULL", "ELSIF false"))
    + "ALTER TABLE onramp.circuit_prefixes DROP CONSTRAINT the_vnets_of_a_circuit_do_not_overlap;",
    "a gateway leaves the version": swap("vnet_gateway_put", ("version = version + 1,", "")),
    "stale is not strict": swap(
        "callback_apply_verdict",
        ("p_timestamp < c.partner_timestamp", "p_timestamp <= c.partner_timestamp")
    ),
    "a rotated key stays quoted": swap(
        "circuit_service_key_rotate", ("key_quoted_at = NULL,", "")),
    # Right one by one and wrong at once: it decides before it locks.
    "a limit that is read before it is locked":
        "ALTER TABLE onramp.circuits DROP CONSTRAINT a_circuit_connects_at_most_its_limit;"
        "ALTER TABLE onramp.vnets DROP CONSTRAINT a_vnet_joins_at_most_4_circuits;"
        + swap("batch_lock", ("BEGIN", "BEGIN RETURN;"))
        + swap("connection_create", ("FOR NO KEY UPDATE;", ";"),
               ("-- For the event that", "PERFORM pg_sleep(0.02); -- For the event that")),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_known_bug_is_found(cluster, bug):
    rig = Rig(cluster, "bug_" + "".join(c for c in bug if c.isalnum()).lower())
    try:
        owner = psycopg2.connect(rig.url)
        with owner, owner.cursor() as cursor:
            cursor.execute(BUGS[bug])
        owner.close()
        with pytest.raises(AssertionError) as found:
            histories(rig, SOON, 1, (Phase.generate,))
        assert "no order explains it" in str(found.value) or "what is seen" in str(found.value)
        print(f"{bug}: {str(found.value).splitlines()[-1][:300]}")
    finally:
        rig.remove()
