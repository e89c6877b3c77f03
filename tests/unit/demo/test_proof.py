"""The sandbox is compared with what it should hold gift by gift, to the cent."""

import json
from dataclasses import replace

import pytest

from relay.demo import place, proof, samples
from relay.demo.announcements import Stamp
from relay.demo.door import signed
from relay.demo.samples import EXPECTED, SAMPLES, Recorded

GIFT = Recorded(key="ch_1", amount="50.00", designations={"1001": "50.00"}, refunds=("10.00",))


def test_what_is_the_same_needs_no_word():
    assert proof.differences([GIFT], [GIFT]) == []


@pytest.mark.parametrize(
    ("held", "sentence"),
    [
        ([], "The gift ch_1 of 50.00 is in the sandbox not at all."),
        ([GIFT, GIFT], "The gift ch_1 of 50.00 is in the sandbox 2 times."),
        (
            [replace(GIFT, amount="50.01", refunds=())],
            "The gift ch_1 should be 50.00 (50.00 to 1001, 10.00 refunded); the sandbox has 50.01 (50.00 to 1001).",
        ),
        ([GIFT, replace(GIFT, key="ch_2")], "The sandbox has a gift ch_2 of 50.00 that nobody expects."),
    ],
)
def test_every_difference_is_a_sentence(held, sentence):
    assert proof.differences([GIFT], held) == [sentence]


def test_a_donation_is_read_as_the_sandbox_shows_it():
    donation = {
        "confirmation_code": "1261-1",
        "sub_source": "ch_1",
        "amount": "50.00",
        "designations": [{"id": "1001", "amount": "30.00"}, {"name": "Choir", "contact": "", "amount": "20.00"}],
        "refunds": [{"amount": "9.00"}, {"amount": "1.00"}],
    }
    held = {"designations": {"1001": "30.00", "Choir": "20.00"}, "refunds": ("1.00", "9.00")}
    assert proof.from_sandbox([donation], "sub_source") == (Recorded(key="ch_1", amount="50.00", **held),)


def test_there_is_a_sample_of_everything_the_demo_promises():
    kinds = [sample.body["type"] for sample in SAMPLES]
    assert len(SAMPLES) >= 12
    assert {"charge.succeeded", "refund.created", "gift.received", "gift.refunded", "customer.tax_id.updated"} <= set(
        kinds
    )
    assert {sample.provider for sample in SAMPLES} == {"stripe", "standard"}
    assert {str(sample.ends) for sample in SAMPLES} == {"posted", "held", "rejected", "None"}


def test_a_sample_is_the_same_bytes_at_every_run():
    assert len({json.dumps(sample.body) for sample in SAMPLES}) == len(SAMPLES) - 1, "all but the duplicate"


def test_what_is_expected_is_what_the_samples_give():
    given = sum(1 for sample in SAMPLES if sample.ends == "posted" and sample.provider and "gives" in sample.arrives)
    assert len(EXPECTED) == given + 1, "and the monthly gift of the four events"


def test_each_provider_signs_in_its_own_way():
    stamp = Stamp(1_800_000_000, None, "")
    headers = {sample.provider: signed(sample, stamp).headers for sample in samples.SAMPLES}
    assert headers["stripe"]["stripe-signature"].startswith("t=1800000000,v1=")
    assert headers["standard"]["webhook-id"] == "msg_demo_05"


def test_the_environment_of_the_demo_has_nothing_of_another_relay():
    environ = {"PATH": "/bin", "LUMINATE_URL": "https://a", "RELAY_MODE": "live", "STRIPE_WEBHOOK_SECRET": "whsec_live",
               "DATABASE_URL": "postgresql://live", "FLASK_APP": "other", "PORT": "1"}  # fmt: skip
    assert place.bare(environ) == {"PATH": "/bin"}
