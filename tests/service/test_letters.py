"""Half letters and other code points that no database or document keeps, at every text of every provider's gift.

Whatever a donor typed: 200, one event with the very bytes that came, and the money as with an ordinary letter there.
"""

import copy
import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from sqlalchemy import delete, select

from relay.app import create_app
from relay.bootstrap import build
from relay.ledger.models import entries, events, metadata
from relay.providers import PROVIDERS, Delivery
from relay.status import Verdict
from tests.altered_cases import holder, places
from tests.builders import make_settings
from tests.fakes import FakeBell
from tests.provider_cases import payloads
from tests.support import genuine, paypal
from tests.support.front_door import charity

# A high half, a low half, NUL, controls, and what XML has no letter for.
ODD = "\ud83d\x00\udc00\x01\x1b\ufffe\uffff"
# Adyen signs what these say; changed afterwards, the item is nobody's.
SIGNED = {
    "pspReference", "originalReference", "merchantAccountCode", "merchantReference", "value", "currency", "eventCode",
    "success", "hmacSignature",
}  # fmt: skip
JSON_SENDERS = sorted(name for name, gift in genuine.GIFT.items() if gift)


class Door(SimpleNamespace):
    """One provider's front door, and what lies behind it."""

    def send(self, body):
        """What is answered, and the event and entries that came of it; then all is forgotten."""
        delivery = signed(self.provider, body)
        path = f"/webhooks/alder/{self.provider}" + (f"/{delivery.token}" if delivery.token else "")
        answer = self.client.post(path, data=delivery.body, headers=dict(delivery.headers))
        assert answer.status_code == 200, answer.text
        with self.relay.database.write() as tx:
            (event,) = tx.execute(select(events)).all()
            made = tx.execute(select(entries.c.kind, entries.c.amount, entries.c.currency)).all()
            for table in reversed(metadata.sorted_tables):
                tx.execute(delete(table))
        if not PROVIDERS[self.provider].scrub:
            assert event.body == delivery.body
        return event, {tuple(entry) for entry in made}


@pytest.fixture
def open_door(database_url):
    def opened(provider):
        relay = build(make_settings(charity(provider, genuine.SETTINGS[provider]), database_url=database_url))
        metadata.create_all(relay.database.engine)
        relay.bell = relay.intake.bell = FakeBell()
        if provider == "paypal":
            relay.intake.providers = {**relay.providers, "paypal": paypal.make_provider()}
        return Door(provider=provider, relay=relay, client=create_app(relay).test_client())

    return opened


def signed(provider, body):
    """As its provider sends it. Adyen signs single fields, so there the body was signed before it was changed."""
    now = datetime.now(UTC)
    return (
        Delivery(body, {"authorization": genuine.LOGIN}) if provider == "adyen" else genuine.sent(provider, body, now)
    )


def gift_of(provider):
    body = genuine.form_of(provider) or payloads(provider)[genuine.GIFT[provider]]
    return genuine.sent(provider, body, datetime.now(UTC)).body if provider == "adyen" else body


def texts_of(provider, event):
    """Every place with a text that a change does not take the proof away from."""
    for path in places(event):
        told = holder(event, path)[path[-1]]
        if isinstance(told, str) and not (provider == "adyen" and path[-1] in SIGNED):
            yield path


def with_more(event, path, more, *, escaped):
    changed = copy.deepcopy(event)
    holder(changed, path)[path[-1]] += more
    return json.dumps(changed, ensure_ascii=escaped).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("provider", JSON_SENDERS)
def test_at_every_text_of_a_gift_its_money_is_the_same_as_with_an_ordinary_letter(open_door, provider):
    door, event = open_door(provider), json.loads(gift_of(provider))
    genuine_one, money = door.send(gift_of(provider))
    unchanged = 0
    for number, path in enumerate(texts_of(provider, event)):
        stored, made = door.send(with_more(event, path, ODD, escaped=number % 2 == 0))
        if (stored.verdict, made) == (genuine_one.verdict, money):
            unchanged += 1
        elif stored.verdict == Verdict.NOT_UNDERSTOOD:  # an id: two that cannot be read could be one
            assert stored.note
        else:  # a status, a type, an amount
            plain, expected = door.send(with_more(event, path, "zz", escaped=True))
            assert (stored.verdict, made) == (plain.verdict, expected), path
    assert unchanged


@pytest.mark.parametrize("provider", JSON_SENDERS)
def test_in_every_text_at_once_nothing_is_lost(open_door, provider):
    door, event = open_door(provider), json.loads(gift_of(provider))
    for path in list(texts_of(provider, event)):
        holder(event, path)[path[-1]] += ODD
    stored, _ = door.send(json.dumps(event).encode())
    assert stored.verdict != Verdict.DUPLICATE


@pytest.mark.parametrize("letters", [b"%ED%A0%BD", b"%00", b"%FF", b"\xff", b"%EF%BF%BE", b"%01"])
@pytest.mark.parametrize("provider", sorted(set(PROVIDERS) - set(JSON_SENDERS)))
def test_a_form_with_such_letters_is_stored(open_door, provider, letters):
    door = open_door(provider)
    for body in (gift_of(provider) + b"&memo=Ada" + letters, gift_of(provider) + letters):
        stored, made = door.send(body)
        assert (stored.verdict in (Verdict.PENDING, Verdict.NOT_UNDERSTOOD), made) == (True, set())


def test_two_ids_with_half_a_letter_are_not_taken_for_one(open_door):
    door, event = open_door("stripe"), json.loads(gift_of("stripe"))
    keys = set()
    for half in ("\ud83d", "\ud83e"):
        event["id"] = f"evt_{half}"
        stored, made = door.send(json.dumps(event).encode())
        assert stored.verdict == Verdict.ENTRY
        assert len(made) == 1
        keys.add(stored.delivery_key)
        event["data"]["object"]["id"] = f"ch_{half}"
        stored, made = door.send(json.dumps(event).encode())
        assert (stored.verdict, made) == (Verdict.NOT_UNDERSTOOD, set())
        assert "cannot be read" in stored.note
        event = json.loads(gift_of("stripe"))
    assert len(keys) == 2
