# SPDX-License-Identifier: Apache-2.0
"""Pins the main path, end to end: a customer orders a circuit and gets a key, the partner moves it
by signed callbacks, the customer connects VNets, an operator reads all of it."""

import re


def test_a_circuit_goes_from_order_to_connected_vnets(customer, partner, operator):
    answer = customer.client.post(
        "/v1/circuits",
        {
            "name": "hq-amsterdam",
            "partner": partner.slug,
            "peeringLocation": "Amsterdam",
            "bandwidthMbps": 1000,
            "tags": {"site": "hq"},
        },
    ).must(201)
    circuit = answer.json
    assert answer.headers["Location"] == f"/v1/circuits/{circuit['id']}"
    assert circuit["customerId"] == customer.id
    assert circuit["sku"] == {"tier": "Standard", "family": "MeteredData"}
    assert (circuit["providerStatus"], circuit["circuitStatus"]) == ("NotProvisioned", "Enabled")
    assert (circuit["waitingOn"], circuit["keyQuotedAt"]) == ("customer", None)
    assert circuit["connections"] == {"used": 0, "limit": 10}
    assert circuit["version"] == 1
    assert circuit["createdAt"] == circuit["serviceKeyIssuedAt"] == circuit["since"]
    key = circuit["serviceKey"]

    assert partner.client.get("/v1/partner/circuits").must(200).json["items"] == []
    looked = partner.quote(key).must(200).json
    assert (looked["id"], looked["serviceKey"]) == (circuit["id"], key)

    started = partner.callback("circuit.provisioning", key, note="ordered", expectedBy=None)
    assert started.must(200).json["applied"] is True
    assert customer.read(circuit)["providerStatus"] == "Provisioning"
    done = partner.callback(
        "circuit.provisioned",
        key,
        note="cross connect 7 patched",
        primaryPort="AMS5-MSEE1-1/0/3",
        secondaryPort="AMS5-MSEE2-1/0/3",
        sTag=210,
        partnerReference="EQ-77",
    ).must(200)
    assert (done.json["applied"], done.json["reason"]) == (True, "applied")
    now = customer.read(circuit)
    assert (now["providerStatus"], now["waitingOn"]) == ("Provisioned", "nobody")
    assert (now["sTag"], now["partnerNote"]) == (210, "cross connect 7 patched")
    assert (now["primaryPort"], now["secondaryPort"]) == ("AMS5-MSEE1-1/0/3", "AMS5-MSEE2-1/0/3")
    assert now["partnerReference"] == "EQ-77"
    assert now["provisionedAt"] is not None

    vnets = [customer.vnet(), customer.vnet()]
    for vnet in vnets:
        connected = customer.connect(circuit, vnet).must(201)
        assert connected.headers["Location"] == f"/v1/connections/{connected.json['id']}"
        assert connected.json["status"] == "Connected"
        assert connected.json["authorizationId"] is None
    assert customer.read(circuit)["connections"] == {"used": 2, "limit": 10}
    for vnet in vnets:
        read = customer.client.get(f"/v1/vnets/{vnet['id']}").must(200).json
        assert read["circuits"] == {"used": 1, "limit": 4}

    events = customer.events(circuit)
    moves = [e["type"] for e in events if e["type"].startswith("circuit.prov")]
    assert moves == ["circuit.provisioning", "circuit.provisioned"]
    assert events[0]["type"] == "circuit.created"
    assert events[0]["actor"] == {"role": "customer", "name": customer.name}
    assert sum(e["type"] == "connection.created" for e in events) == 2
    assert [e["sequence"] for e in events] == sorted(e["sequence"] for e in events)

    # The operator sees the same circuit, its history, its VNets and its connections.
    assert operator.get(f"/v1/circuits/{circuit['id']}").must(200).json == customer.read(circuit)
    assert operator.pages(f"/v1/circuits/{circuit['id']}/events") == events
    seen = operator.get("/v1/circuits", customerId=customer.id).must(200).json["items"]
    assert [c["id"] for c in seen] == [circuit["id"]]
    seen = operator.get("/v1/vnets", customerId=customer.id).must(200).json["items"]
    assert sorted(v["id"] for v in seen) == sorted(v["id"] for v in vnets)
    seen = operator.get("/v1/connections", circuitId=circuit["id"]).must(200).json["items"]
    assert sorted(c["vnetId"] for c in seen) == sorted(v["id"] for v in vnets)


def test_the_first_start_gives_a_reader_all_that_is_needed(server, operator):
    credentials = server.credentials
    assert credentials["ONRAMP_URL"] == server.url
    assert credentials["ONRAMP_PARTNER"] == "equinix"
    for name, prefix in (
        ("ONRAMP_OPERATOR_TOKEN", "onro_"),
        ("ONRAMP_CUSTOMER_TOKEN", "onrc_"),
        ("ONRAMP_PARTNER_TOKEN", "onrp_"),
        ("ONRAMP_PARTNER_SECRET", "whsec_"),
    ):
        assert re.fullmatch(prefix + r"[0-9A-Za-z+/=]+", credentials[name])
    demo = operator.with_token(credentials["ONRAMP_CUSTOMER_TOKEN"])
    body = {
        "name": "demo",
        "partner": "equinix",
        "peeringLocation": "Amsterdam",
        "bandwidthMbps": 1000,
    }
    circuit = demo.post("/v1/circuits", body).must(201).json
    assert circuit["customerId"] == credentials["ONRAMP_CUSTOMER_ID"]
    partner = operator.with_token(credentials["ONRAMP_PARTNER_TOKEN"])
    quoted = partner.post("/v1/partner/circuits", {"serviceKey": circuit["serviceKey"]})
    assert quoted.must(200).json["id"] == circuit["id"]


def test_the_real_catalogue_is_there(operator):
    locations = operator.pages("/v1/peering-locations")
    assert len(locations) == 105
    partners = operator.pages("/v1/partners")
    first_start = [p for p in partners if not p["name"].startswith("carrier-")]
    assert len(first_start) >= 175
    amsterdam = next(x for x in locations if x["name"] == "Amsterdam")
    assert amsterdam["metro"] == "Amsterdam" and amsterdam["zone"] == 1
    assert amsterdam["site"] == "Equinix AM5" and amsterdam["localRegions"] == ["West Europe"]
    assert amsterdam["direct"] is True
    assert "equinix" in amsterdam["partners"] and "megaport" in amsterdam["partners"]
    equinix = operator.get("/v1/partners/equinix").must(200).json
    assert equinix["displayName"] == "Equinix"
    assert "Amsterdam" in [offer["peeringLocation"] for offer in equinix["offers"]]
