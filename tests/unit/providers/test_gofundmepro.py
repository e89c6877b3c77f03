"""GoFundMe Pro: signed by Svix, mapped by configuration; without a mapping nothing is guessed and nothing lost."""

import base64
import dataclasses
import json
from typing import ClassVar

import pytest
import standardwebhooks
import time_machine

from relay.config import ProviderSettings
from relay.config.provider_names import OPTIONS, PROVIDERS
from relay.demo.signing import gofundmepro_headers
from relay.errors import NotUnderstood
from relay.gifts import Designation, Gift, Name, Refund
from relay.money import Money
from relay.providers.base import Delivery
from relay.providers.gofundmepro import GOFUNDMEPRO
from tests.provider_cases import NOW, SENT, ProviderCases, payloads

MAPPED = {
    "is_gift": "starts_with(type, 'transaction.') && data.status == 'success'",
    "payment_id": "data.id",
    "amount": "data.total_gross_amount",
    "amount_unit": "major",
    "currency": "data.currency_code",
    "fee": "data.fees_amount",
    "fund": "data.designation.name",
    "donor_first_name": "data.supporter.first_name",
    "donor_last_name": "data.supporter.last_name",
    "donor_email": "data.supporter.email_address",
    "is_refund": "data.refunded_amount > `0`",
    "refund_total": "data.refunded_amount",
    "source": "data",
}


def whsec(letter):
    return "whsec_" + base64.b64encode(letter.encode() * 24).decode()


def settings(**options):
    return ProviderSettings(secrets=(whsec("a"),), options=options)


def situation(name, **options):
    return GOFUNDMEPRO.parse(Delivery(payloads("gofundmepro")[name], {"svix-id": "msg_1"}), settings(**options))


class TestGofundmepro(ProviderCases):
    provider = GOFUNDMEPRO
    secret = whsec("a")
    second_secret = whsec("b")
    other_secret = whsec("c")
    genuine = "transaction_created"
    may_vanish: ClassVar = {
        "data": "the organization's own rule looks there",
        "data.status": "the organization's own rule looks there",
        "type": "the organization's own rule looks there",
    }
    signature_header = "svix-signature"

    def sign(self, body, secret, timestamp=SENT):
        return gofundmepro_headers(body, secret, timestamp, "msg_1")

    def settings(self, *secrets):
        return dataclasses.replace(settings(**MAPPED), secrets=secrets or (self.secret,))

    def parse(self, body, **headers):
        return GOFUNDMEPRO.parse(Delivery(body, headers), self.settings())

    @time_machine.travel(NOW, tick=False)
    def test_the_reference_library_accepts_ours_and_the_reverse(self):
        for body in payloads("gofundmepro").values():
            headers = self.sign(body, self.secret)
            theirs = {name.replace("svix-", "webhook-"): value for name, value in headers.items()}
            assert standardwebhooks.Webhook(self.secret).verify(body.decode(), theirs)
            signature = standardwebhooks.Webhook(self.secret).sign("msg_1", NOW, body.decode())
            ours = {"svix-id": "msg_1", "svix-timestamp": str(int(NOW.timestamp())), "svix-signature": signature}
            assert self.verify(ours, body) == 0


def test_the_mapping_tells_the_whole_gift():
    parsed = situation("transaction_created", **MAPPED)
    (gift,) = parsed.facts
    assert (parsed.event_id, parsed.type) == ("msg_1", "transaction.created")
    assert (gift.keys, gift.amount) == (("880001",), Money.parse("60.25", "USD"))
    assert gift.donor.name == Name(first="Anna", last="Berg")
    assert gift.designations == (Designation(fund="WATER"),)
    assert gift.sources[0]["total_gross_amount"] == "60.25"


def test_an_update_tells_of_a_refund():
    gift, refund = situation("transaction_updated_refunded", **MAPPED).facts
    assert (type(gift), type(refund)) == (Gift, Refund)
    assert refund.total == Money.parse("15.25", "USD")


def test_the_status_decides():
    assert situation("transaction_created_incomplete", **MAPPED).facts == ()


def test_without_a_mapping_money_waits_and_noise_does_not():
    with pytest.raises(NotUnderstood, match="not mapped yet") as caught:
        situation("transaction_created")
    assert (caught.value.about.type, caught.value.about.event_id) == ("transaction.created", "msg_1")
    assert situation("supporter_created").note
    assert situation("supporter_created", **MAPPED).facts == ()


@pytest.mark.parametrize("name", ["type", "event_type", "eventType", "event"])
def test_the_type_is_found_under_its_usual_names(name):
    body = json.loads(payloads("gofundmepro")["supporter_created"])
    renamed = {name: body.pop("type"), **body}
    assert GOFUNDMEPRO.parse(Delivery(json.dumps(renamed).encode())).type == "supporter.created"


def test_the_same_delivery_again_is_known_by_its_id_whatever_its_body():
    keys = {
        situation(name, **MAPPED).delivery_key for name in ("transaction_created", "transaction_created_incomplete")
    }
    assert keys == {"msg_1:transaction.created"}


def test_its_options_are_the_mapping_and_its_secret_is_svixs():
    assert "signature" not in OPTIONS["gofundmepro"]
    assert not any(option.required for option in OPTIONS["gofundmepro"].values())
    assert PROVIDERS["gofundmepro"]("whsec_x") == PROVIDERS["standard"]("whsec_x") != ""
