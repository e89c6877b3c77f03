"""Generic: how a processor signs and what its events mean, by options alone."""

import base64
import dataclasses
import hmac
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar

import pytest

from relay.config import ProviderSettings, load_settings
from relay.config.mapping_options import DONOR, MAPPING, PATHS, RULES, SIGNING, unfit_generic, unfit_mapping
from relay.config.provider_names import OPTIONS as KNOWN
from relay.demo.signing import generic_headers
from relay.errors import BadSignature, ConfigurationError, NotUnderstood, Unreadable
from relay.gifts import Address, Designation, Donor, Flag, Gift, Name, Refund, RefundReason, Reinstatement, TenderKind
from relay.money import Money
from relay.providers.base import Delivery
from relay.providers.generic import GENERIC
from relay.providers.paths import found
from tests.provider_cases import NOW, SENT, ProviderCases, payloads

SIGNED = {
    "signature": "hmac-sha256",
    "header": "X-Signature",
    "header_format": "t={timestamp},v1={signature}",
    "signed": "{timestamp}.{body}",
}
MAPPED = {
    "type": "event",
    "id": "event_id",
    "live": "mode",
    "occurred_at": "sent",
    "payment_id": "payment.id",
    "related_ids": "[payment.order]",
    "amount": "payment.amount",
    "amount_unit": "minor",
    "currency": "payment.currency",
    "fee": "payment.fee",
    "fund": "payment.purpose",
    "tender": "payment.method",
    "donor_first_name": "payer.first_name",
    "donor_last_name": "payer.last_name",
    "donor_email": "payer.email",
    "email_opt_in": "payer.subscribed",
    "is_gift": "event == 'payment.completed' && payment.status == 'completed'",
    "is_refund": "event == 'refund.completed' || (event == 'payment.updated' && refunded_total > `0`)",
    "refund_id": "refund.id",
    "refund_amount": "refund.amount",
    "refund_total": "refunded_total",
    "is_chargeback": "event == 'dispute.lost'",
    "dispute_id": "dispute.id",
    "dispute_amount": "dispute.amount",
    "is_reinstatement": "event == 'dispute.won'",
    "reinstated_id": "dispute.id",
    "is_flag": "event == 'dispute.opened'",
    "flag_text": "join(' ', ['A dispute', dispute.id, 'was opened.'])",
}
OPTIONS = SIGNED | MAPPED
KEYS = ("pay_1", "ord_1")


def usd(text):
    return Money.parse(text, "USD")


def settings(*secrets, **options):
    return ProviderSettings(secrets=secrets or ("s",), options=options)


def parse(body, **changes):
    options = {name: value for name, value in (MAPPED | changes).items() if value is not None}
    return GENERIC.parse(Delivery(body if isinstance(body, bytes) else json.dumps(body).encode()), settings(**options))


def situation(name, **changes):
    return parse(payloads("generic")[name], **changes)


class TestGeneric(ProviderCases):
    provider = GENERIC
    secret = "secret-of-this-organization"
    second_secret = "secret-while-rolling-over"
    other_secret = "secret-of-another-organization"
    genuine = "payment_completed"
    may_vanish: ClassVar = {
        "event": "the organization's own rule looks there",
        "payment": "the organization's own rule looks there",
        "payment.status": "the organization's own rule looks there",
        "refunded_total": "the organization's own rule looks there",
    }
    signature_header = "x-signature"

    def sign(self, body, secret, timestamp=SENT):
        (value,) = generic_headers(f"{timestamp}.".encode() + body, secret, "X-Signature").values()
        return {"x-signature": f"t={timestamp},v1={value}"}

    def settings(self, *secrets):
        return settings(*(secrets or (self.secret,)), **OPTIONS)

    def verify(self, headers=None, body=None, settings=None, now=NOW):
        chosen = dataclasses.replace(settings or self.settings(), options=OPTIONS)
        return super().verify(headers, body, chosen, now)

    def parse(self, body, **headers):
        return GENERIC.parse(Delivery(body, headers), self.settings())

    def typed(self, event, kind):
        return event | {"event": kind}

    def test_any_of_several_signatures_is_accepted(self):
        time_part, v1 = self.sign(self.body, self.secret)["x-signature"].split(",")
        assert self.verify({"x-signature": f"v1={'0' * 64},{v1},{time_part},v0=x"}) == 0
        self.refused("more than one timestamp", headers={"x-signature": f"{time_part},{time_part},{v1}"})


# --- verify -----------------------------------------------------------------------------------------------------------


BODY = b'{"a": 1}'


def signed(key, whole, name="sha256", encode=bytes.hex):
    return encode(hmac.new(key, whole, name).digest())


def based(digest):
    return base64.b64encode(digest).decode()


@pytest.mark.parametrize(
    ("secret", "options", "headers"),
    [
        ("s3cret", {"signature": "hmac-sha1"}, {"x-sig": signed(b"s3cret", BODY, "sha1")}),
        ("s3cret", {"signature": "hmac-sha512"}, {"x-sig": signed(b"s3cret", BODY, "sha512")}),
        ("s3cret", {"encoding": "base64"}, {"x-sig": signed(b"s3cret", BODY, encode=based)}),
        ("s3cret", {"prefix": "sha256="}, {"x-sig": "sha256=" + signed(b"s3cret", BODY)}),
        ("00ff10", {"key_encoding": "hex"}, {"x-sig": signed(b"\x00\xff\x10", BODY)}),
        ("AP8Q", {"key_encoding": "base64"}, {"x-sig": signed(b"\x00\xff\x10", BODY)}),
        ("s", {"signed": "{url}{body}", "url": "https://r.org/x"}, {"x-sig": signed(b"s", b"https://r.org/x" + BODY)}),
        ("s", {"signed": "v0:{body}:end"}, {"x-sig": signed(b"s", b"v0:" + BODY + b":end")}),
        (
            "s",
            {"signed": "{timestamp}:{body}", "timestamp_header": "X-Time"},
            {"x-sig": signed(b"s", f"{SENT}:".encode() + BODY), "x-time": str(SENT)},
        ),
        (
            "s",
            {"signed": "{timestamp}.{body}", "header_format": "{timestamp},{signature}"},
            {"x-sig": f"{SENT}," + signed(b"s", f"{SENT}.".encode() + BODY)},
        ),
    ],
)
def test_signature_schemes(secret, options, headers):
    chosen = settings(secret, **({"signature": "hmac-sha256", "header": "X-Sig"} | options))
    assert not list(unfit_generic(chosen.options | {"is_gift": "a"}, (secret,)))
    assert GENERIC.verify(Delivery(BODY, headers), chosen, NOW) == 0
    for wrong in (
        Delivery(BODY + b" ", headers),
        Delivery(BODY, {name: value[:-2] for name, value in headers.items()}),
        Delivery(BODY, {}),
    ):
        with pytest.raises(BadSignature):
            GENERIC.verify(wrong, chosen, NOW)
    with pytest.raises(BadSignature):
        GENERIC.verify(Delivery(BODY, headers), dataclasses.replace(chosen, secrets=("abcd",)), NOW)


@pytest.mark.parametrize(
    ("options", "delivery"),
    [
        ({"signature": "basic"}, Delivery(BODY, {"authorization": "Basic " + based(b"ann:pass word")})),
        ({"signature": "secret-header", "header": "X-Key"}, Delivery(BODY, {"x-key": "ann:pass word"})),
        (
            {"signature": "secret-header", "header": "Authorization", "prefix": "Bearer "},
            Delivery(BODY, {"authorization": "Bearer ann:pass word"}),
        ),
        ({"signature": "secret-path"}, Delivery(BODY, {}, "ann:pass word")),
    ],
)
def test_shared_secrets(options, delivery):
    assert GENERIC.verify(delivery, settings("old:one", "ann:pass word", **options), NOW) == 1
    for wrong in (
        Delivery(BODY),
        Delivery(BODY, {name: value + "x" for name, value in delivery.headers.items()}, delivery.token + "x"),
        Delivery(BODY, {name: value.partition(" ")[2] for name, value in delivery.headers.items()}),
    ):
        with pytest.raises(BadSignature):
            GENERIC.verify(wrong, settings("ann:pass word", **options), NOW)
    with pytest.raises(BadSignature, match="no signing secret"):
        GENERIC.verify(delivery, settings("", " ", **options), NOW)


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("203.0.113.9", True),
        ("198.51.100.7", True),
        ("::ffff:203.0.113.9", True),
        ("2001:db8::1", True),
        ("203.0.114.1", False),
        ("198.51.100.8", False),
        ("2001:db9::1", False),
        ("", False),
        ("unix:", False),
    ],
)
def test_only_listed_addresses_may_send(address, allowed):
    chosen = settings("s" * 20, signature="secret-path", ip_allow="203.0.113.0/24, 198.51.100.7 2001:db8::/32")
    delivery = Delivery(BODY, {}, "s" * 20, address)
    if allowed:
        assert GENERIC.verify(delivery, chosen, NOW) == 0
    else:
        with pytest.raises(BadSignature, match="ip_allow"):
            GENERIC.verify(delivery, chosen, NOW)


def test_nothing_configured_accepts_nothing():
    with pytest.raises(BadSignature, match="not configured"):
        GENERIC.verify(Delivery(BODY, {}, "s"), settings("s"), NOW)


# --- parse ------------------------------------------------------------------------------------------------------------


def test_the_whole_gift():
    parsed = situation("payment_completed", source="payment")
    (gift,) = parsed.facts
    assert (parsed.event_id, parsed.type, parsed.live) == ("g_1", "payment.completed", True)
    assert (gift.keys, gift.amount, gift.fee, gift.hold) == (KEYS, usd("60.25"), usd("2.05"), "")
    assert gift.donor == Donor(name=Name(first="Anna", last="Berg"), email="anna.berg@example.org", email_opt_in=True)
    assert gift.designations == (Designation(fund="WATER"),)
    assert gift.tender.kind is TenderKind.CARD
    assert gift.occurred_at == parsed.occurred_at == datetime(2026, 1, 3, 10, 0, tzinfo=UTC)
    assert gift.sources[0]["order"] == "ord_1"


def test_every_part_of_a_donor_can_be_mapped():
    told = {part: f"the {part}" for part in DONOR}
    body = json.loads(payloads("generic")["payment_completed"]) | {"who": told}
    (gift,) = parse(body, **{f"donor_{part}": f"who.{part}" for part in DONOR}).facts
    assert gift.donor.name == Name(first="the first_name", last="the last_name")
    parts = ("street1", "street2", "city", "state", "zip", "country")
    assert gift.donor.address == Address(**{part: f"the {part}" for part in parts})
    assert (gift.donor.employer, gift.donor.occupation) == ("the employer", "the occupation")
    (gift,) = parse(body, donor_name="who.name", donor_first_name=None).facts
    assert gift.donor.name == Name(full="the name")


def test_money_back():
    (refund,) = situation("refund_completed").facts
    assert isinstance(refund, Refund)
    assert (refund.keys, refund.parent_keys, refund.amount) == (("ref_1",), KEYS, usd("15.25"))
    (by_total,) = situation("refund_by_total").facts
    assert (by_total.keys, by_total.amount, by_total.total) == ((), usd("15.25"), usd("15.25"))
    (lost,) = situation("dispute_lost").facts
    assert (lost.keys, lost.reason, lost.amount) == (("dis_1",), RefundReason.CHARGEBACK, usd("60.25"))
    (won,) = situation("dispute_won").facts
    assert isinstance(won, Reinstatement)
    assert (won.refund_keys, won.parent_keys) == (("dis_1",), KEYS)
    (opened,) = situation("dispute_opened").facts
    assert (opened.text, opened.parent_keys) == ("A dispute dis_1 was opened.", ("pay_1",))


def test_a_refund_or_dispute_without_its_id_is_for_a_person():
    assert isinstance(situation("refund_completed", refund_id=None).facts[0], Flag)
    assert isinstance(situation("dispute_lost", dispute_id=None).facts[0], Flag)
    assert isinstance(situation("dispute_won", reinstated_id=None).facts[0], Flag)


def test_several_rules_may_be_true_and_none():
    body = json.loads(payloads("generic")["payment_completed"]) | {"refund": {"id": "ref_1", "amount": 5}}
    gift, refund = parse(body, is_refund="refund.id == 'ref_1'").facts
    assert (type(gift), type(refund)) == (Gift, Refund)
    assert situation("payment_pending").note == "no rule of the mapping is true"
    assert situation("payment_of_nothing").note == "nothing was paid or given back"


def test_a_gift_can_be_held():
    assert situation("payment_completed", is_held="mode == 'live'").facts[0].hold
    assert not situation("payment_completed", is_held="mode == 'test'").facts[0].hold


@pytest.mark.parametrize("rule", ["payment.status", "payment", "payment.amount", "'true'", "`1`", "keys(payment)"])
def test_a_rule_that_is_neither_true_nor_false_is_a_mistake(rule):
    with pytest.raises(NotUnderstood, match="is_gift gives neither"):
        situation("payment_completed", is_gift=rule)


@pytest.mark.parametrize(
    "rule", ["length(payment.amount) > `0`", "sum(payer)", "event > `0`", "join('', payment.amount)", "abs(event)"]
)
def test_an_expression_that_does_not_fit_the_body_is_a_mistake(rule):
    with pytest.raises(NotUnderstood, match="is_gift does not fit"):
        situation("payment_completed", is_gift=rule)


@pytest.mark.parametrize(
    "changes",
    [
        {"payment_id": "payment.nothing"},
        {"payment_id": "payment"},
        {"amount": "payment.nothing"},
        {"amount": "payer.email"},
        {"currency": "payment.nothing"},
        {"currency": "event"},
        {"amount": "`-5`"},
        {"amount": "`60.5`"},
        {"type": "nothing"},
    ],
)
def test_what_is_missing_or_odd_is_not_understood(changes):
    with pytest.raises(NotUnderstood):
        situation("payment_completed", **changes)


@pytest.mark.parametrize(
    ("written", "unit", "exact"),
    [
        ("7.78", "major", "7.78"),
        ("250", "major", "250"),
        ('"7.78"', "major", "7.78"),
        ('" 7.780 "', "major", "7.78"),
        ("778", "minor", "7.78"),
        ('"778"', "minor", "7.78"),
        ("0.1", "major", "0.10"),
        ("7.785", "major", None),
        ("7.78", "minor", None),
        ("7e2", "minor", None),
        ("7e2", "major", None),
        ('"7,78"', "major", None),
        ('"$7.78"', "major", None),
        ("true", "major", None),
        ("true", "minor", None),
        ("null", "minor", None),
        ("9" * 5000, "minor", None),
    ],
)
@pytest.mark.parametrize("path", ["a", "a.b"])
def test_amounts_are_exact_or_none(written, unit, exact, path):
    whole = f'{{"id": "p", "a": {{"b": {written}}}}}' if path == "a.b" else f'{{"id": "p", "a": {written}}}'
    options = settings(payment_id="id", amount=path, amount_unit=unit, currency="USD", is_gift="id == 'p'")
    if exact:
        assert GENERIC.parse(Delivery(whole.encode()), options).facts[0].amount == usd(exact)
    else:
        with pytest.raises((NotUnderstood, Unreadable)):
            GENERIC.parse(Delivery(whole.encode()), options)


def test_to_number_never_cuts_and_never_floats():
    body = {"a": "7.78", "b": Decimal("7.78"), "c": 7, "d": "7e2", "e": True, "f": None}
    numbers = {name: found({"x": f"to_number({name})"}, "x", body) for name in body}
    assert numbers == {"a": Decimal("7.78"), "b": Decimal("7.78"), "c": 7, "d": None, "e": None, "f": None}
    assert found({"x": "to_number(a) > `7` && b < `7.8`"}, "x", body) is True


def test_the_currency_is_a_word_or_a_path():
    assert situation("payment_completed", currency="JPY").facts[0].amount == Money(6025, "JPY")


def test_without_id_and_type_the_body_speaks_for_itself():
    parsed = situation("payment_completed", id=None, type=None)
    assert parsed.delivery_key.startswith("sha256:")
    assert parsed.type == "event"


def test_a_list_can_be_mapped():
    body = [json.loads(payloads("generic")["payment_completed"])]
    changes = {name: f"[0].{path}" for name, path in MAPPED.items() if name in PATHS and path[0].isalpha()}
    rules = dict.fromkeys(RULES) | {"is_gift": "[0].event == 'payment.completed'", "related_ids": None}
    (gift,) = parse(body, **changes | rules | {"flag_text": None}).facts
    assert (gift.keys, gift.sources) == (("pay_1",), ())


@pytest.mark.parametrize(("word", "live"), [("live", True), ("TEST", False), (True, True), (False, False), ("x", None)])
def test_live_or_test(word, live):
    assert parse(json.loads(payloads("generic")["payment_completed"]) | {"mode": word}).live is live


# --- the options are checked at start ---------------------------------------------------------------------------------


def test_every_option_is_known_by_name():
    assert set(KNOWN["generic"]) == {*SIGNING, *MAPPING}
    assert {name for name, option in KNOWN["generic"].items() if option.required} == {
        "signature", "is_gift", "payment_id", "amount", "amount_unit", "currency",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("signature", "md5", "must be one of"),
        ("header", "X Signature", "name of a header"),
        ("header_format", "{timestamp}", "needs {signature} once"),
        ("header_format", "{timestamp}.{signature}", "a comma between"),
        ("header_format", "{signature},{signature}", "needs {signature} once"),
        ("header_format", "{signature", "brace"),
        ("signed", "{timestamp}", "needs {body} once"),
        ("signed", "{body}{host}", "may only use"),
        ("signed", "{body!r}", "may only use"),
        ("encoding", "octal", "must be one of"),
        ("key_encoding", "rot13", "must be one of"),
        ("url", "relay.example.org", "not an address"),
        ("ip_allow", "203.0.113.9/24", "networks such as"),
        ("ip_allow", "everybody", "networks such as"),
        ("ip_allow", " , ", "no network"),
        ("amount_unit", "cents", "must be one of"),
        ("is_gift", "status = 'paid'", "not a JMESPath"),
        ("amount", "payment.", "not a JMESPath"),
    ],
)
def test_a_wrong_value_is_said(option, value, words):
    assert words in KNOWN["generic"][option].wrong(value)


@pytest.mark.parametrize("option", sorted(KNOWN["generic"]))
def test_the_values_of_these_tests_are_right(option):
    assert KNOWN["generic"][option].wrong(OPTIONS.get(option, "")) == "" or option not in OPTIONS


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"header": None}, "header"),
        ({"header_format": None}, "signed"),
        ({"signed": None}, "signed"),
        ({"signed": "{url}{timestamp}{body}"}, "url"),
        ({"key_encoding": "hex"}, "key_encoding"),
        ({"signature": "basic"}, "signature"),
        ({"signature": "basic"}, "header"),
        ({"signature": "secret-path"}, "signed"),
        ({"signature": "secret-header", "header": None}, "header"),
        ({"refund_id": None, "refund_total": None}, "is_refund"),
        ({"dispute_amount": None}, "is_chargeback"),
        ({"reinstated_id": None}, "is_reinstatement"),
    ],
)
def test_what_does_not_fit_together_is_said(changes, option):
    options = {name: value for name, value in (OPTIONS | changes).items() if value}
    assert option in [name for name, _ in unfit_generic(options, ("not hex, no colon",))]
    assert not list(unfit_generic(OPTIONS, ("s",)))


def test_a_mapping_once_begun_must_be_whole():
    assert not list(unfit_mapping({}))
    assert {name for name, _ in unfit_mapping({"is_flag": "a"})} == {
        "is_gift", "payment_id", "amount", "amount_unit", "currency",
    }  # fmt: skip


def load(tmp_path, **options):
    file = tmp_path / "relay.toml"
    table = "\n".join(f"{name} = {json.dumps(value)}" for name, value in options.items())
    file.write_text(
        f"""
        [organizations.acme]
        form_id = 1
        level_id = 2
        luminate = {{url = "https://give.acme.org/site", api_key = "k", login_name = "n", login_password = "p"}}
        [organizations.acme.providers.generic]
        secrets = ["a-secret"]
        [organizations.acme.providers.generic.options]
        {table}
        """,
        encoding="utf-8",
    )
    return load_settings({"RELAY_CONFIG": str(file)}).organizations["acme"].providers["generic"]


def test_relay_does_not_start_with_a_mapping_that_does_not_fit(tmp_path):
    assert load(tmp_path, **OPTIONS).options == OPTIONS
    wrong = OPTIONS | {"is_gift": "status = 'paid'", "amount_uint": "minor", "url": "x y"}
    del wrong["payment_id"], wrong["dispute_id"]
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, **wrong)
    place = "organizations.acme.providers.generic.options."
    said = [problem.partition(place)[2] for problem in caught.value.problems]
    assert [words.partition(":")[0] for words in said] == [
        "is_gift", "amount_uint", "url", "payment_id", "is_chargeback",
    ]  # fmt: skip
    assert 'did you mean "amount_unit"?' in said[1]
    assert "JMESPath" in said[0]
