"""PayPal from the front door to the ledger: certificates that come late, amounts that are not believed, one gift."""

import itertools
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from relay.access import operator
from relay.config import Fund, Mode, ProviderSettings
from relay.config.organization import RefundedUnposted
from relay.errors import BadSignature, ReplayRefused
from relay.inbound.fetching import Fetching
from relay.inbound.reparse import Reparse
from relay.ledger.certificates import Certificates
from relay.ledger.models import certificates, events
from relay.providers import Delivery, paypal
from relay.providers.calling import Caller, Reply
from relay.status import Verdict
from tests.builders import make_organization, make_relay
from tests.provider_cases import payloads
from tests.support import paypal as signing

VECTORS = Path(os.environ.get("RELAY_VECTORS", ""))
HOOK = "7WH10001ALDER"
CAPTURE = "8AB10001CC0000001"
FUNDS = {code: Fund(code=code, designee_id=number) for number, code in enumerate(("WATER", "LIBRARY"), 1)}
# Captures alone do not name the donor, orders do.
GENUINE = payloads("paypal")["order_completed"]
TOKEN = "/v1/oauth2/token"
OURS = payloads("paypal")


def resource(name):
    return json.loads(OURS[name])["resource"]


class OneCertificate(Caller):
    """PayPal's address for certificates, counted; everything else is really called."""

    def __init__(self, pem):
        super().__init__()
        self.pem = pem
        self.asked = 0

    def get(self, url, **more):
        if "/v1/notifications/certs/" in url:
            self.asked += 1
            return Reply(200, self.pem)
        return super().get(url, **more)


class House:
    """A relay with PayPal only; its certificates are in the ledger."""

    def __init__(self, database_url, options=None, *, secret=HOOK, provider=None, clock=None):
        settings = ProviderSettings(secrets=(secret,), options=options or {})
        organization = make_organization(
            mode=Mode.BOTH, refunded_unposted=RefundedUnposted.BOTH, funds=FUNDS, providers={"paypal": settings}
        )
        self.relay = make_relay(database_url, organization, clock=clock)
        self.provider = provider or signing.make_provider(Certificates(self.relay.database))
        self.relay.intake.providers = {"paypal": self.provider}
        self.caller = OneCertificate(signing.pem(signing.leaf()))

    def send(self, body, headers=None):
        headers = headers or signing.signed(body, HOOK)
        return self.relay.intake.take("alder", "paypal", Delivery(body, headers)).verdict

    def work(self):
        parts = (self.relay.database, self.relay.organization, {"paypal": self.provider}, self.caller)
        return Fetching(*parts, worker="w1").run()

    def learn(self):
        """Know the certificate, by an event without money."""
        self.send(OURS["subscription_payment_failed"])
        self.work()

    def gifts(self):
        return [(str(gift.amount), str(gift.status)) for gift in self.relay.gifts()]

    def verdicts(self):
        return [row["verdict"] for row in self.relay.events()]

    def read_again(self, number):
        use = Reparse(self.relay.settings, self.relay.database, {"paypal": self.provider}, self.caller)
        return use.run(number, actor=operator("Ann"), reason="test")


@pytest.fixture
def house(sqlite_url):
    return House(sqlite_url)


@pytest.fixture
def api(provider_api):
    """PayPal's API on this machine, with our objects."""
    capture, order, refund = (resource(n) for n in ("capture_completed", "order_completed", "capture_refunded_in_part"))
    provider_api.answers |= {
        TOKEN: {"access_token": "A21-token", "expires_in": 32_400},
        f"/v2/payments/captures/{CAPTURE}": capture,
        f"/v2/checkout/orders/{order['id']}": order,
        f"/v2/payments/refunds/{refund['id']}": refund,
    }
    return provider_api


@pytest.fixture
def confirmed(sqlite_url, api):
    """A house that asks PayPal's API."""
    return House(sqlite_url, {"client_id": "app", "client_secret": "hush", "api_url": api.url})


# --- certificates -----------------------------------------------------------------------------------------------------


def test_the_first_event_waits_for_its_certificate_and_the_next_is_proven_at_the_door(house):
    assert house.send(GENUINE) is Verdict.PENDING
    assert house.work() == 1
    assert house.gifts() == [("60.00 USD", "queued")]
    assert house.send(OURS["sale_completed_monthly"]) is Verdict.ENTRY
    with pytest.raises(BadSignature):
        house.send(GENUINE + b" ", signing.signed(GENUINE, HOOK))
    assert (house.caller.asked, len(house.relay.rows(events))) == (1, 2)


def test_every_process_knows_a_certificate_from_the_ledger(house):
    house.learn()
    other = signing.make_provider(Certificates(house.relay.database))
    body = OURS["capture_completed"]
    settings = house.relay.organization.providers["paypal"]
    assert other.verify(Delivery(body, signing.signed(body, HOOK)), settings, datetime.now(UTC)) == 0


def test_a_certificate_slipped_into_the_ledger_proves_nothing(house):
    slipped = Certificates(house.relay.database)
    slipped[signing.url()] = signing.pem(signing.leaf(issuer="stranger"))
    with pytest.raises(BadSignature):
        house.send(OURS["capture_completed"])


def test_a_ledger_that_does_not_answer_is_for_intake_to_say(house):
    kept = Certificates(house.relay.database)
    with house.relay.database.write() as tx:
        certificates.drop(tx)
    house.relay.database.dispose()
    kept._database = type(house.relay.database)("postgresql+psycopg://127.0.0.1:1/none?connect_timeout=1")
    assert kept.get(signing.url()) is None


def test_what_turns_out_not_to_be_paypals_is_flagged_and_never_booked(house):
    body = OURS["capture_completed"]
    house.send(body, signing.signed(body, HOOK, signer=signing.key("stranger")))
    house.work()
    assert (house.verdicts(), house.gifts()) == (["flagged"], [])
    with pytest.raises(BadSignature):
        house.read_again(1)


def test_an_event_for_another_webhook_id_is_readable_once_the_id_is_configured(house):
    house.send(OURS["capture_completed"], signing.signed(OURS["capture_completed"], "7WH10002ALDER"))
    house.work()
    assert house.verdicts() == ["flagged"]
    settings = ProviderSettings(secrets=(HOOK, "7WH10002ALDER"))
    house.relay.organization.providers["paypal"] = settings
    assert house.read_again(1).verdict is Verdict.ENTRY


# --- a body that was changed without breaking the signature -----------------------------------------------------------


def forged(amount=b"6000.00", capture=b"8AB10001CC0000001"):
    changed = GENUINE.replace(b"60.00", amount).replace(CAPTURE.encode(), capture)
    return signing.with_same_crc32(GENUINE, changed)


@pytest.mark.parametrize("capture", [CAPTURE.encode(), b"8AB1FORGED0000001"])
def test_a_transmission_brings_one_body_only(house, capture):
    house.learn()
    headers = signing.signed(GENUINE, HOOK)
    assert house.send(GENUINE, headers) is Verdict.ENTRY
    assert house.send(forged(b"61.00", capture), headers) is Verdict.DUPLICATE
    assert house.gifts() == [("60.00 USD", "queued")]


@pytest.mark.parametrize("capture", [CAPTURE.encode(), b"8AB1FORGED0000001"])
def test_a_transmission_brings_one_body_only_while_its_certificate_is_not_known(house, capture):
    headers = signing.signed(GENUINE, HOOK)
    assert house.send(GENUINE, headers) is Verdict.PENDING
    assert house.send(forged(b"61.00", capture), headers) is Verdict.PENDING
    assert house.send(GENUINE, headers) is Verdict.DUPLICATE
    house.work()
    assert house.verdicts() == ["entry", "flagged", "duplicate"]
    assert "another body: not used" in house.relay.events()[1]["note"]
    assert house.gifts() == [("60.00 USD", "queued")]
    assert house.send(GENUINE, headers) is Verdict.DUPLICATE
    with pytest.raises(ReplayRefused):
        house.read_again(2)


@pytest.mark.parametrize("known", [True, False])
def test_without_credentials_a_changed_amount_is_held(house, known):
    if known:
        house.learn()
    house.send(forged(), signing.signed(GENUINE, HOOK))
    house.work()
    house.relay.post()
    assert house.gifts() == [("6000.00 USD", "held")]
    assert house.relay.luminate.gifts == {}


@pytest.mark.parametrize("known", [True, False])
def test_with_credentials_a_changed_amount_is_flagged(confirmed, known):
    if known:
        confirmed.learn()
    confirmed.send(forged(), signing.signed(GENUINE, HOOK))
    confirmed.work()
    assert (confirmed.verdicts()[-1], confirmed.gifts()) == ("flagged", [])
    assert "says 6000.00 USD" in confirmed.relay.events()[-1]["note"]
    assert "API says 60.00 USD" in confirmed.relay.events()[-1]["note"]


def test_with_credentials_an_invented_capture_is_not_booked(confirmed):
    confirmed.learn()
    confirmed.send(forged(b"61.00", b"8AB1FORGED0000001"), signing.signed(GENUINE, HOOK))
    confirmed.work()
    assert (confirmed.verdicts()[-1], confirmed.gifts()) == ("flagged", [])
    assert "knows nothing" in confirmed.relay.events()[-1]["note"]


@pytest.mark.skipif("RELAY_VECTORS" not in os.environ, reason="RELAY_VECTORS is not set")
@pytest.mark.parametrize("asks", [True, False])
def test_the_recorded_collision_gets_no_changed_amount_into_luminate(sqlite_url, api, asks):
    case = json.loads((VECTORS / "paypal" / "crc32_collision.json").read_text(encoding="utf-8"))
    then = datetime(2016, 10, 5, 14, 58, tzinfo=UTC)
    options = {"environment": "sandbox"} | (
        {"client_id": "app", "client_secret": "hush", "api_url": api.url} if asks else {}
    )
    house = House(sqlite_url, options, secret=case["webhook_id"], clock=lambda: then)
    kept = Certificates(house.relay.database)
    kept[case["headers"]["paypal-cert-url"]] = (VECTORS / case["certificate"]).read_bytes()
    house.provider = paypal.provider(kept)
    house.relay.intake.providers = {"paypal": house.provider}
    sale = json.loads(case["body"])["resource"]
    api.answers[f"/v1/payments/sale/{sale['id']}"] = sale | {"amount": {"total": "6.01", "currency": "USD"}}
    house.send(case["body"].encode(), case["headers"])
    with house.relay.database.write() as tx:
        tx.execute(update(events).values(received_at=then))
    house.work()
    house.relay.post()
    assert house.gifts() == ([] if asks else [("6000.01 USD", "held")])
    assert house.relay.luminate.gifts == {}
    assert house.verdicts() == ["flagged" if asks else "entry"]


# --- what the API says ------------------------------------------------------------------------------------------------


def test_what_the_api_says_is_booked_with_the_donor_of_the_order(confirmed, api):
    confirmed.learn()
    assert confirmed.send(OURS["capture_completed"]) is Verdict.PENDING
    confirmed.work()
    (gift,) = confirmed.relay.gifts()
    assert (str(gift.amount), gift.donor_email) == ("60.00 USD", "anna.berg@example.org")
    confirmed.send(OURS["order_completed"])
    confirmed.send(OURS["capture_refunded_in_part"])
    confirmed.work()
    assert len(confirmed.relay.gifts()) == 1
    assert [str(refund.amount) for refund in confirmed.relay.refunds()] == ["15.00 USD"]
    tokens = [(method, path) for method, path in api.asked if path == TOKEN]
    assert tokens == [("POST", TOKEN)]
    place = api.asked.index(("POST", TOKEN))
    assert api.headers[place]["authorization"].startswith("Basic ")
    assert api.bodies[place] == b"grant_type=client_credentials"
    assert api.headers[-1]["authorization"] == "Bearer A21-token"


def test_a_token_that_is_refused_is_asked_for_anew(confirmed, api):
    confirmed.learn()
    right = api.answers[f"/v2/payments/captures/{CAPTURE}"]
    api.answers[f"/v2/payments/captures/{CAPTURE}"] = 401
    confirmed.send(OURS["capture_completed"])
    confirmed.work()
    assert confirmed.verdicts()[-1] == "pending"
    api.answers[f"/v2/payments/captures/{CAPTURE}"] = right
    confirmed.relay.later(minutes=5)
    confirmed.work()
    assert confirmed.gifts() == [("60.00 USD", "queued")]
    assert [path for _, path in api.asked].count(TOKEN) == 2


@pytest.mark.parametrize(
    "answer", [{"access_token": ""}, {"access_token": "a\nb", "expires_in": 5}, [], 500, b"<html>"]
)
def test_without_a_token_nothing_is_booked_and_it_is_tried_again(confirmed, api, answer):
    api.answers[TOKEN] = answer
    confirmed.learn()
    confirmed.send(OURS["capture_completed"])
    confirmed.work()
    assert (confirmed.verdicts()[-1], confirmed.gifts()) == ("pending", [])


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"status": "PENDING"}, "pending"),
        ({"status": "DECLINED"}, "pending"),
        ({"status": "REFUNDED"}, "entry"),
        ({"id": "8AB10001CC0000009"}, "not_understood"),
        ({"amount": {"value": "60.00", "currency_code": "EUR"}}, "flagged"),
        ({"amount": {"value": "59.99", "currency_code": "USD"}}, "flagged"),
        ({"amount": None}, "not_understood"),
        ({"custom_id": "LIBRARY"}, "entry"),
    ],
)
def test_amount_currency_status_and_id_are_compared(confirmed, api, changes, verdict):
    confirmed.learn()
    api.answers[f"/v2/payments/captures/{CAPTURE}"] = resource("capture_completed") | changes
    confirmed.send(OURS["capture_completed"])
    confirmed.work()
    assert confirmed.verdicts()[-1] == verdict
    assert len(confirmed.gifts()) == (verdict == "entry")


def test_a_reversal_that_names_no_sale_is_asked_for(confirmed, api):
    confirmed.learn()
    sale = resource("sale_completed_monthly")
    api.answers[f"/v1/payments/sale/{sale['id']}"] = sale
    subscriber = {"name": {"given_name": "Anna", "surname": "Berg"}, "email_address": "anna.berg@example.org"}
    api.answers["/v1/billing/subscriptions/I-ALDER0000001"] = {"id": "I-ALDER0000001", "subscriber": subscriber}
    taken = resource("sale_reversed_naming_nothing")
    api.answers[f"/v1/payments/refund/{taken['id']}"] = taken | {"sale_id": sale["id"]}
    confirmed.send(OURS["sale_completed_monthly"])
    confirmed.send(OURS["sale_reversed_naming_nothing"])
    confirmed.work()
    assert [(gift.donor_email, str(gift.amount)) for gift in confirmed.relay.gifts()] == [
        ("anna.berg@example.org", "25.00 USD")
    ]
    assert [str(refund.amount) for refund in confirmed.relay.refunds()] == ["25.00 USD"]


def test_digits_that_were_masked_before_they_were_stored_do_not_cost_a_confirmed_gift(confirmed, api):
    confirmed.learn()
    body = OURS["capture_completed"].replace(b"ALDER-1001", b"4111111111111111")
    confirmed.send(body)
    confirmed.work()
    assert confirmed.gifts() == [("60.00 USD", "queued")]


# --- one payment, told several times ----------------------------------------------------------------------------------


def outcomes(path, names):
    """What is left after every order of these events; a set with one member is right."""
    left = set()
    for number, order in enumerate(itertools.permutations(names)):
        house = House(f"sqlite:///{path / f'{number}.db'}", {"unconfirmed_limit": "100000"})
        house.learn()
        for name in order:
            house.send(OURS[name])
        found = [(str(entry.kind), str(entry.amount)) for entry in house.relay.entries() if entry.merged_into is None]
        still = [entry for entry in house.relay.entries() if entry.status != "closed" and entry.kind == "refund"]
        left.add((tuple(sorted(found)), sum(entry.amount.minor for entry in still)))
        house.relay.database.dispose()
    return left


def test_a_short_history_comes_to_the_same_in_every_order(tmp_path):
    names = ("capture_completed", "order_completed", "capture_refunded_in_part", "capture_refunded_second_part")
    whole = (("gift", "60.00 USD"), ("refund", "15.00 USD"), ("refund", "5.00 USD"))
    assert outcomes(tmp_path, names) == {(whole, 2000)}


def test_a_reversal_and_its_lost_dispute_are_one_chargeback(tmp_path):
    names = ("capture_completed", "dispute_opened", "capture_reversed", "dispute_lost")
    assert outcomes(tmp_path, names) == {((("gift", "60.00 USD"), ("refund", "60.00 USD")), 6000)}


def test_a_reversal_and_a_dispute_that_was_won_take_nothing(tmp_path):
    for _, taken in outcomes(tmp_path, ("capture_completed", "capture_reversed", "dispute_won")):
        assert taken == 0


def test_a_second_full_refund_under_another_id_is_held(house):
    house.learn()
    house.send(GENUINE)
    house.relay.post()
    house.send(OURS["capture_refunded_in_full"])
    house.relay.post()
    house.send(OURS["capture_refunded_in_full_again"])
    house.relay.post()
    assert sorted((str(one.status), one.reason) for one in house.relay.refunds()) == [
        ("held", "more_than_left"),
        ("posted", ""),
    ]
    assert house.relay.luminate.net == 0


def test_one_event_id_under_two_types_is_one_gift(house):
    house.learn()
    processed = OURS["order_completed"].replace(b"CHECKOUT.ORDER.COMPLETED", b"CHECKOUT.ORDER.PROCESSED")
    assert house.send(OURS["order_completed"]) is Verdict.ENTRY
    assert house.send(processed) is Verdict.DUPLICATE
    assert house.gifts() == [("60.00 USD", "queued")]


def test_impossible_times_never_break_intake(house):
    house.learn()
    assert house.send(OURS["subscription_activated_at_an_impossible_time"]) is Verdict.IGNORED
    assert house.relay.events()[-1]["occurred_at"] is None


def test_too_old_a_delivery_is_refused_at_the_door(house):
    house.learn()
    old = signing.signed(OURS["capture_completed"], HOOK, datetime.now(UTC) - timedelta(days=4))
    with pytest.raises(BadSignature, match="ago"):
        house.send(OURS["capture_completed"], old)
