# SPDX-License-Identifier: Apache-2.0
"""The keys of secrets at rest, as tests look at them."""

import json
import pathlib

from client import Client


def keys(path):
    """The ids in the file of keys."""
    return [line.split()[0] for line in pathlib.Path(path).read_text().splitlines()
            if line and not line.startswith("#")]


def credentials(place):
    return json.loads(place.path("credentials").read_text())


def client(place, token="operatorToken"):
    return Client(place.status()["url"], credentials(place)[token])


def spoil_secret(place, partner):
    """One character of a sealed callback secret changed in the database, to another one: its tag no
    longer fits, so that no key opens it."""
    place.sql("UPDATE callback_secrets SET secret = overlay(secret placing CASE"
              " substr(secret, length(secret) - 5, 1) WHEN 'A' THEN 'B' ELSE 'A' END"
              f" from length(secret) - 5) WHERE partner = '{partner}'")


def secret_works(place, made=None):
    """The secret of the first start still signs: its callback gets as far as the service key."""
    made = made or credentials(place)
    done = place.run("callback", "--partner", made["partner"], "--secret", made["partnerSecret"],
                     "--type", "circuit.progress", "--service-key",
                     "5f0c7a52-6d0e-4b6f-8a54-0d4f4c1f3a10", "--url", place.status()["url"])
    assert json.loads(done.stdout)["status"] == 404, (done.stdout, done.stderr)
