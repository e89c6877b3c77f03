"""relay's own format: signatures by the Standard Webhooks specification, and a strict, complete shape."""

import base64
import dataclasses
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest
import standardwebhooks
import time_machine
from marshmallow import fields

from relay.demo.signing import standard_headers
from relay.errors import BadSignature, NotUnderstood
from relay.gifts import Address, Designation, Donor, Flag, Gift, Name, RefundReason, Reinstatement, Tender, TenderKind
from relay.money import Money
from relay.providers.base import Delivery
from relay.providers.standard import EVENTS, STANDARD, schemas
from tests.provider_cases import NOW, SENT, ProviderCases, payloads

DOCS = Path(__file__).parents[3] / "docs"


def whsec(letter):
    return "whsec_" + base64.b64encode(letter.encode() * 24).decode()


def event(kind, live=True, **data):
    return json.dumps({"id": "msg_1", "type": kind, "live": live, "data": data}).encode()


def facts(kind, **data):
    return STANDARD.parse(Delivery(event(kind, **data))).facts


def usd(text):
    return Money.parse(text, "USD")


class TestStandard(ProviderCases):
    provider = STANDARD
    secret = whsec("a")
    second_secret = whsec("b")
    other_secret = whsec("c")
    genuine = "gift_received"
    may_vanish: ClassVar = {
        "type": "another type of event is kept, counted and ignored",
    }
    may_differ: ClassVar = {
        "data.refunded_before": "without it the ledger works out what is new",
        "data.status": "untold, the money is there (docs/standard-webhook.md)",
    }
    signature_header = "webhook-signature"

    def sign(self, body, secret, timestamp=SENT):
        return standard_headers(body, secret, timestamp, "msg_1")

    @pytest.mark.parametrize("header", ["webhook-id", "webhook-timestamp"])
    def test_id_and_timestamp_are_signed_too(self, header):
        headers = self.sign(self.body, self.secret)
        self.refused("configured secret", headers=headers | {header: "1767434401"})

    def test_svix_names_are_accepted_too(self):
        headers = {name.replace("webhook", "svix"): value for name, value in self.sign(self.body, self.secret).items()}
        assert self.verify(headers) == 0
        assert STANDARD.parse(Delivery(self.body, headers)).delivery_key == "msg_1"

    def test_a_stored_delivery_without_its_signature_has_the_same_key(self):
        for name in ("webhook-id", "svix-id"):
            assert STANDARD.parse(Delivery(self.body, {name: "msg_stored"})).delivery_key == "msg_stored"

    def test_an_unsigned_id_beside_svix_headers_does_not_become_the_delivery_key(self):
        headers = {name.replace("webhook", "svix"): value for name, value in self.sign(self.body, self.secret).items()}
        parsed = STANDARD.parse(Delivery(self.body, headers | {"webhook-id": "forged"}))
        assert parsed.delivery_key == "msg_1"

    def test_names_of_two_families_are_not_mixed(self):
        headers = self.sign(self.body, self.secret)
        headers["svix-timestamp"] = headers.pop("webhook-timestamp")
        self.refused("all three", headers=headers)

    def test_any_of_several_signatures_is_accepted_and_v1a_never(self):
        headers = self.sign(self.body, self.secret)
        genuine = headers["webhook-signature"]
        assert self.verify(headers | {"webhook-signature": f"v1,AAAA v1a,BBBB {genuine}"}) == 0
        self.refused("no v1", headers=headers | {"webhook-signature": genuine.replace("v1,", "v1a,")})

    def test_the_secret_is_accepted_with_and_without_its_prefix(self):
        assert self.verify(settings=self.settings(self.secret.removeprefix("whsec_"))) == 0

    @pytest.mark.parametrize("odd", ["whsec_", "whsec_not base64!", "é"])
    def test_a_secret_that_is_not_base64_accepts_nothing_and_spoils_no_other(self, odd):
        self.refused(settings=self.settings(odd))
        assert self.verify(settings=self.settings(odd, self.secret)) == 1
        headers = self.sign(self.body, self.secret) | {"webhook-signature": "v1,"}
        self.refused(headers=headers, settings=self.settings(odd, self.secret))

    def test_the_official_library_accepts_ours(self):
        headers = self.sign(self.body, self.secret)
        with time_machine.travel(NOW, tick=False):
            standardwebhooks.Webhook(self.secret).verify(self.body, headers)

    def test_ours_accepts_the_official_library(self):
        signed = standardwebhooks.Webhook(self.secret).sign(
            "msg_1", datetime.fromtimestamp(SENT, UTC), self.body.decode()
        )
        headers = self.sign(self.body, self.secret) | {"webhook-signature": signed}
        assert self.verify(headers) == 0


@pytest.mark.skipif("RELAY_VECTORS" not in os.environ, reason="RELAY_VECTORS is not set")
def test_published_vectors():
    vectors = json.loads((Path(os.environ["RELAY_VECTORS"]) / "signatures.json").read_text(encoding="utf-8"))
    mine = [vector for vector in vectors if vector["provider"] == "standardwebhooks"]
    assert mine
    cases = TestStandard()
    for vector in mine:
        headers = {name.lower(): value for name, value in vector["headers"].items()}
        settings, now = cases.settings(vector["secret"]), datetime.fromtimestamp(vector["timestamp"], UTC)
        assert STANDARD.verify(Delivery(vector["body"].encode(), headers), settings, now) == 0
        with pytest.raises(BadSignature):
            STANDARD.verify(Delivery(vector["body"].encode() + b" ", headers), settings, now)


# --- what events mean ------------------------------------------------------------------------------------------------


def test_a_full_gift_fills_every_field_of_gift():
    (gift,) = STANDARD.parse(Delivery(payloads("standard")["gift_received"])).facts
    blank = {field.name for field in dataclasses.fields(Gift) if not getattr(gift, field.name)}
    assert blank == {"anonymous", "hold", "occurred_on"}  # the first is told as False, the others have no place in it
    assert gift.anonymous is False
    assert gift.keys == ("pay_1001", "order_77", "4711")
    assert (gift.amount, gift.fee) == (usd("60.00"), usd("2.04"))
    assert gift.donor.name == Name(title="Dr.", first="Anna", middle="K.", last="Berg", suffix="Jr.", prof_suffix="MD")
    assert gift.donor.cons_id == "1000123"
    assert gift.donor.email_opt_in is True
    assert gift.tender == Tender(kind=TenderKind.CARD, card_type="Visa", last4="4242", exp_month=4, exp_year=2029)
    assert gift.designations == (
        Designation(fund="WATER", amount=usd("40.00")),
        Designation(write_in="Choir robes", contact="Mrs. Lund", amount=usd("20.00")),
    )
    assert gift.sources[0]["campaign_code"]


def test_the_least_gift():
    (gift,) = facts("gift.received", payment_id="p", amount="25", currency="usd", fund="WATER")
    assert gift.amount == usd("25.00")
    assert gift.designations == (Designation(fund="WATER"),)
    assert gift.donor == Donor(address=Address())


def test_null_and_blank_mean_not_said():
    (gift,) = facts(
        "gift.received", payment_id="p", amount="25", currency="USD", donor=None, hold="", fund=" ", fee=None
    )
    assert gift.donor == Donor()
    assert gift.designations == ()
    assert gift.fee is None


@pytest.mark.parametrize("status", ["pending", "failed", "canceled"])
def test_a_gift_without_its_money_brings_nothing(status):
    assert facts("gift.received", payment_id="p", amount="25", currency="USD", status=status) == ()


def test_an_update_that_succeeded_is_the_gift_and_one_that_failed_a_flag():
    (gift,) = facts("gift.updated", payment_id="p", amount="25", currency="USD")
    assert isinstance(gift, Gift)
    (flag,) = facts("gift.updated", payment_id="p", amount="25", currency="USD", status="failed")
    assert isinstance(flag, Flag)
    assert flag.parent_keys == ("p",)


def test_a_hold_is_kept():
    (gift,) = facts("gift.received", payment_id="p", amount="25", currency="USD", hold="Cleared by hand.")
    assert gift.hold == "Cleared by hand."


def test_a_refund_by_its_id():
    (refund,) = facts("gift.refunded", payment_id="p", related_ids=["q"], refund_id="r", amount="5.00", currency="USD")
    assert (refund.keys, refund.parent_keys, refund.amount) == (("r",), ("p", "q"), usd("5.00"))
    assert (refund.reason, refund.total) == (RefundReason.REFUND, None)


def test_a_refund_by_its_running_total():
    told = {"payment_id": "p", "total_refunded": "25.00", "currency": "USD"}
    (refund,) = facts("gift.refunded", **told, refunded_before="10.00")
    assert (refund.keys, refund.amount, refund.total, refund.before) == ((), usd("15"), usd("25"), usd("10"))
    (refund,) = facts("gift.refunded", **told)
    assert (refund.amount, refund.total, refund.before) == (usd("25"), usd("25"), None)
    (flag,) = facts("gift.refunded", **told, refunded_before="25.00")
    assert isinstance(flag, Flag)


def test_money_taken_and_given_back():
    told = {"payment_id": "p", "dispute_id": "d", "amount": "60.00", "currency": "USD"}
    (lost,) = facts("dispute.lost", **told)
    assert (lost.keys, lost.reason, lost.amount) == (("d",), RefundReason.CHARGEBACK, usd("60"))
    (won,) = facts("dispute.won", **told)
    assert isinstance(won, Reinstatement)
    assert won.refund_keys == ("d",)
    (failed,) = facts("refund.failed", payment_id="p", refund_id="r")
    assert (failed.refund_keys, failed.amount) == (("r",), None)
    (opened,) = facts("dispute.opened", payment_id="p", dispute_id="d")
    assert isinstance(opened, Flag)


def test_live_and_time_are_told():
    parsed = STANDARD.parse(Delivery(payloads("standard")["gift_refunded"]))
    assert parsed.live is True
    assert parsed.occurred_at == datetime(2026, 1, 3, 10, 0, 5, tzinfo=UTC)
    assert parsed.facts[0].occurred_at == datetime(2026, 1, 4, 8, 0, tzinfo=UTC)


def test_the_delivery_key_is_the_message_id_then_the_events_own_id_then_the_body():
    body = event("gift.received", payment_id="p", amount="1", currency="USD")
    assert STANDARD.parse(Delivery(body, {"webhook-id": "msg_9"})).delivery_key == "msg_9"
    assert STANDARD.parse(Delivery(body)).delivery_key == "msg_1"
    without = body.replace(b'"id": "msg_1", ', b"")
    assert STANDARD.parse(Delivery(without)).delivery_key.startswith("sha256:")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"amount": 25}, 'data.amount: must be a decimal text such as "25.00"'),
        ({"amount": 25.0}, "data.amount: must be a decimal text"),
        ({"amount": "10,5"}, "data.amount: must be a decimal text"),
        ({"amount": "1e5"}, "data.amount: must be a decimal text"),
        ({"amount": "1_000"}, "data.amount: must be a decimal text"),
        ({"amount": "٣"}, "data.amount: must be a decimal text"),
        ({"amount": "-5.00"}, "data.amount: must be a decimal text"),
        ({"amount": "0.00"}, "data.amount: must be above zero"),
        ({"amount": "10.005"}, "data.amount: amount has more decimals than USD has"),
        ({"amount": "10.5", "currency": "JPY"}, "data.amount: amount has more decimals than JPY has"),
        ({"currency": "dollars"}, "data.amount: currency is not a three-letter code"),
        ({"currency": None}, "data.currency: is missing"),
        ({"payment_id": ""}, "data.payment_id: is missing"),
        ({"payment_id": "x" * 256}, "data.payment_id: must be a text or a whole number"),
        ({"status": "done"}, "data.status: must be one of"),
        ({"recurring": "yes"}, "data.recurring: must be true or false"),
        ({"recurring": 1}, "data.recurring: must be true or false"),
        ({"occurred_at": "2026-01-03T10:00:00"}, "data.occurred_at: must be a time with its zone"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "data.occurred_at: must be a time with its zone"),
        ({"donor": "Anna"}, "data.donor: must be an object"),
        ({"donor": {"email": ["a"]}}, "data.donor.email: must be a text"),
        ({"donor": {"name": {"first": 5}}}, "data.donor.name.first: must be a text"),
        ({"tender": {"kind": "gold"}}, "data.tender.kind: must be one of"),
        ({"tender": {"last4": "4242424242424242"}}, "data.tender.last4: must be the last four digits"),
        ({"tender": {"exp_month": 13}}, "data.tender.exp_month: must be a month"),
        ({"related_ids": "a"}, "data.related_ids: must be a list"),
        ({"related_ids": ["a"] * 51}, "data.related_ids: has more than 50 items"),
        ({"designations": [{"fund": "A"}, {}]}, "data.designations[1]: needs either fund or write_in"),
        ({"designations": [{"fund": "A", "amount": "1.005"}]}, "data.designations[0].amount: amount has more"),
        ({"designations": [{"fund": "A", "amount": "0"}]}, "data.designations[0].amount: must be above zero"),
        ({"designations": [{"fund": "A"}], "fund": "B"}, "data.fund: cannot stand beside designations"),
    ],
)
def test_what_does_not_fit_is_named_by_its_path(data, problem):
    told = {"payment_id": "p", "amount": "25.00", "currency": "USD"} | data
    with pytest.raises(NotUnderstood, match=re.escape(problem)):
        facts("gift.received", **told)


def test_all_problems_are_named_at_once_and_no_value():
    with pytest.raises(NotUnderstood) as caught:
        STANDARD.parse(
            Delivery(
                json.dumps(
                    {
                        "type": "gift.received",
                        "live": "yes-secret",
                        "timestamp": "secret",
                        "data": {"amount": "secret", "donor": {"email": 5}, "designations": [{"amount": "secret"}]},
                    }
                ).encode()
            )
        )
    named = str(caught.value)
    for path in (
        "live",
        "timestamp",
        "data.amount",
        "data.currency",
        "data.payment_id",
        "data.donor.email",
        "data.designations[0]",
        "data.designations[0].amount",
    ):
        assert f"{path}: " in named
    assert "secret" not in named


@pytest.mark.parametrize(
    ("kind", "data", "problem"),
    [
        ("gift.refunded", {"refund_id": "r"}, "data.amount: is missing"),
        ("gift.refunded", {"amount": "5.00", "currency": "USD"}, "data.refund_id: is missing"),
        ("gift.refunded", {"refund_id": "r", "amount": "5.00"}, "data.currency: is missing"),
        ("gift.refunded", {"refund_id": "r", "amount": "0", "currency": "USD"}, "data.amount: must be above zero"),
        ("dispute.lost", {"dispute_id": "d"}, "data.amount: is missing"),
        ("dispute.won", {}, "data.dispute_id: is missing"),
        ("refund.failed", {}, "data.refund_id: is missing"),
    ],
)
def test_what_returns_must_say(kind, data, problem):
    with pytest.raises(NotUnderstood, match=re.escape(problem)):
        facts(kind, payment_id="p", **data)


def test_live_must_be_told():
    body = event("gift.received", payment_id="p", amount="1", currency="USD")
    with pytest.raises(NotUnderstood, match="live: is missing"):
        STANDARD.parse(Delivery(body.replace(b'"live": true, ', b"")))


# --- the documents and the schemas agree ------------------------------------------------------------------------------


def test_every_field_of_gift_and_its_parts_has_its_place_in_the_format():
    # The format tells a moment; a date alone is what some other provider tells.
    renamed = {"keys": {"payment_id", "related_ids"}, "sources": set(), "occurred_on": set()}
    ours = set().union(*(renamed.get(field.name, {field.name}) for field in dataclasses.fields(Gift)))
    assert set(schemas.GiftPart().fields) == ours | {"currency", "status", "fund"}
    for part in (schemas.NamePart, schemas.AddressPart, schemas.DonorPart, schemas.BillingPart, schemas.ShippingPart):
        assert set(part().fields) == {field.name for field in dataclasses.fields(part.makes)}
    assert set(schemas.TenderPart().fields) == {field.name for field in dataclasses.fields(Tender)}
    assert set(schemas.DesignationPart().fields) == {field.name for field in dataclasses.fields(Designation)}


def published():
    return json.loads((DOCS / "standard-webhook.schema.json").read_text(encoding="utf-8"))


def shape_of(field):
    """What a marshmallow field holds, as nested names."""
    if isinstance(field, fields.Nested):
        return {name: shape_of(inner) for name, inner in field.schema.fields.items()}
    return [shape_of(field.inner)] if isinstance(field, fields.List) else None


def shape_in(document, node):
    """The same of a JSON Schema node."""
    while "$ref" in node:
        node = document["$defs"][node["$ref"].removeprefix("#/$defs/")]
    if "properties" in node:
        return {name: shape_in(document, inner) for name, inner in node["properties"].items()}
    return [shape_in(document, node["items"])] if "items" in node else None


def branch(document, kind):
    """The part of the JSON Schema for one type of event."""
    return next(one for one in document["oneOf"] if kind in one["properties"]["type"]["enum"])


@pytest.mark.parametrize("kind", EVENTS)
def test_the_json_schema_and_ours_have_the_same_fields(kind):
    document, schema = published(), EVENTS[kind][0]
    told = branch(document, kind)
    assert shape_in(document, told) == {name: shape_of(field) for name, field in schema.fields.items()}
    assert set(told["required"]) == {name for name, field in schema.fields.items() if field.required}


@pytest.mark.parametrize("kind", EVENTS)
def test_the_json_schema_requires_what_ours_requires(kind):
    document, schema = published(), EVENTS[kind][0].fields["data"].schema
    data = document["$defs"][branch(document, kind)["properties"]["data"]["$ref"].removeprefix("#/$defs/")]
    assert set(data["required"]) == {name for name, field in schema.fields.items() if field.required}


def test_the_json_schema_names_every_type():
    assert {kind for one in published()["oneOf"] for kind in one["properties"]["type"]["enum"]} == set(EVENTS)


def test_the_examples_in_the_document_parse_and_every_field_is_described():
    text = (DOCS / "standard-webhook.md").read_text(encoding="utf-8")
    examples = [json.loads(found) for found in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    assert {one["type"] for one in examples} == set(EVENTS)
    for one in examples:
        assert STANDARD.parse(Delivery(json.dumps(one).encode())).facts
    for schema, _ in EVENTS.values():
        for name in schema.fields["data"].schema.fields:
            assert f"`{name}`" in text
