"""Wrong signatures without end: they are slowed, and no genuine gift behind the same address ever pays for them."""

import json
import time

import pytest
from sqlalchemy import select

from relay import telemetry
from relay.demo import signing
from relay.inbound.strangers import LIMIT, MOST_SOURCES, WINDOW_SECONDS, Strangers, source_of
from relay.ledger.models import refusals
from relay.providers import Delivery
from tests.provider_cases import payloads

CHARGE = payloads("stripe")["charge_succeeded"]


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def forged(fortress, provider="stripe", organization="alder", **headers):
    body = b'{"id": "evt_forged"}'
    wrong = signing.stripe_headers(body, "whsec_somebody_else", int(time.time()))
    return fortress.send(provider, Delivery(body, wrong), organization, headers={**wrong, **headers}, token="")


def genuine(fortress, number):
    event = json.loads(CHARGE)
    event["id"], event["data"]["object"]["id"] = f"evt_{number}", f"ch_{number}"
    event["data"]["object"]["payment_intent"] = f"pi_{number}"
    body = json.dumps(event).encode()
    signed = signing.stripe_headers(body, "whsec_alder", int(time.time()))
    return fortress.send("stripe", Delivery(body, signed))


def at_the_limit(fortress, **more):
    for _ in range(LIMIT):
        assert forged(fortress, **more).status_code == 401


def test_whoever_is_wrong_too_often_is_told_to_wait(fortress):
    at_the_limit(fortress)
    told = forged(fortress)
    assert (told.status_code, told.json["reason"]) == (429, "bad_signature")
    assert 0 < int(told.headers["Retry-After"]) <= WINDOW_SECONDS + 1


def test_a_genuine_gift_behind_an_attacker_s_address_is_always_taken(fortress):
    at_the_limit(fortress)
    for number in range(30):
        assert forged(fortress).status_code == 429
        assert genuine(fortress, number).status_code == 200
    assert fortress.counts() == (30, 30)


def test_an_attack_fills_no_log_and_is_counted_to_the_last_one(fortress, capsys):
    telemetry.to_standard_output()
    capsys.readouterr()
    for _ in range(5 * LIMIT):
        forged(fortress)
    told = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert (told.count("signature_refused"), told.count("source_too_often_wrong"), len(told)) == (LIMIT, 1, LIMIT + 1)
    fortress.relay.intake.refusals.write()
    with fortress.database.read() as tx:
        assert tx.execute(select(refusals.c.reason, refusals.c.count)).all() == [("bad_signature", 5 * LIMIT)]


def test_nobody_else_is_slowed(fortress):
    at_the_limit(fortress)
    assert forged(fortress).status_code == 429
    assert forged(fortress, organization="birch").status_code == 401
    assert forged(fortress, provider="square").status_code == 401


def test_an_address_made_up_in_a_header_is_no_other_source(fortress):
    """No proxy is configured, so the address is that of the connection."""
    for number in range(LIMIT):
        forged(fortress, **{"X-Forwarded-For": f"192.0.2.{number}"})
    assert forged(fortress, **{"X-Forwarded-For": "198.51.100.7"}).status_code == 429


def test_the_metrics_count_who_was_slowed_and_name_no_address(fortress):
    def slowed():
        told = fortress.client().get("/metrics", headers={"Authorization": "Bearer metrics-token-of-this-relay"}).text
        line = 'relay_webhooks_slowed_total{organization="alder",provider="stripe"}'
        return sum(float(one.split()[-1]) for one in told.splitlines() if one.startswith(line))

    before = slowed()
    at_the_limit(fortress)
    forged(fortress)
    assert slowed() == before + 1


# --- counting -----------------------------------------------------------------------------------------------------


def test_a_window_ends():
    clock = Clock()
    strangers = Strangers(clock)
    told = [strangers.wrong("192.0.2.1", "alder", "stripe") for _ in range(LIMIT + 1)]
    assert [one.is_too_many for one in told] == [False] * LIMIT + [True]
    clock.now += WINDOW_SECONDS
    assert strangers.wrong("192.0.2.1", "alder", "stripe").count == 1


def test_a_million_addresses_take_no_more_room():
    strangers = Strangers(Clock())
    for number in range(MOST_SOURCES + 5000):
        told = strangers.wrong(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", "alder", "stripe")
        assert told.is_too_many == (number >= MOST_SOURCES)
    assert len(strangers._counts) == MOST_SOURCES
    assert not told.is_first_too_many  # nor a line in the log for each
    assert strangers.wrong("10.0.0.1", "alder", "stripe").count == 2


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::", "2001:db8:1:2::"),
        ("2001:db8:1:3::", "2001:db8:1:3::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
        ("unix:", ""),
    ],
)
def test_who_counts_as_one_sender(address, source):
    assert source_of(address) == source
