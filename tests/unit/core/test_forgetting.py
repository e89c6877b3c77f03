"""What stays of a payment whose payloads are erased: lists of what stays, so that whatever is new goes by itself."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from relay.config.parameters import PARAMETERS, generic_name
from relay.gifts import Address, Billing, Designation, Donor, Gift, Name, Shipping, Tender, TenderKind
from relay.office import forgetting
from relay.status import Erased
from tests.builders import usd

EVERY = {name.replace("X", "3"): f"a value of {name}" for name in PARAMETERS}
PERSONAL = ("donor.", "billing.", "shipping.", "joint_donor.", "card_", "check_number", "premium", "anonymous")


def kept(level):
    return set(forgetting.of_call(EVERY, level))


def test_nothing_that_tells_of_a_donor_stays_of_their_calls():
    assert [name for name in kept(Erased.DONOR) if name.startswith(PERSONAL)] == []
    typed = {"source", "sub_source", "designated_write_in.3.name", "designated_write_in.3.contact"}
    assert not typed & kept(Erased.DONOR)
    assert {"other_amount", "form_id", "level_id", "designated.3.id", "designated.3.amount"} <= kept(Erased.DONOR)


def test_by_age_name_and_address_stay_and_no_more():
    more = kept(Erased.AGE) - kept(Erased.DONOR)
    assert more == {
        "donor.cons_id", "donor.email", "donor.name.first", "donor.name.middle", "donor.name.last", "source",
        "sub_source", "designated_write_in.3.name",
    }  # fmt: skip


def test_every_name_on_the_lists_is_a_parameter_of_luminate():
    known = {*PARAMETERS, "refund_amount", "refund_user_confirm_code", "send_auto_responder", "single_designated_id"}
    assert {generic_name(name) for name in forgetting._CALL | forgetting._NAMED} <= known


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=5), max_size=5))
def test_a_parameter_that_nobody_has_heard_of_goes(strange):
    unknown = {name: value for name, value in strange.items() if generic_name(name) not in PARAMETERS}
    assert forgetting.of_call(unknown, Erased.AGE) == {}


NAME = Name(full="Mary Q. Stone", title="Dr.", first="Mary", middle="Q.", last="Stone", suffix="Jr.")
ADDRESS = Address(street1="1 Marzipan Parade", city="Bay", state="NY", zip="10001", country="US")
GIFT = Gift(
    keys=("ch_1", "pi_1"),
    amount=usd("60.00"),
    donor=Donor(name=NAME, email="mary@example.org", phone="555-0199", address=ADDRESS, employer="Mill", cons_id="9"),
    billing=Billing(name=NAME, address=ADDRESS),
    shipping=Shipping(name=NAME, address=ADDRESS, email="aunt@example.org", phone="555-0198"),
    joint_donor=NAME,
    tender=Tender(kind=TenderKind.CARD, card_type="visa", last4="4242", exp_month=4, exp_year=2031),
    designations=(
        Designation(fund="WATER", contact="Aunt Petunia", amount=usd("40.00")),
        Designation(fund="for my Mary", amount=usd("15.00")),
        Designation(write_in="in memory of Ada", contact="Mary", amount=usd("5.00")),
    ),
    gift_aid="yes",
    anonymous=True,
    hold="prove it",
    sources=({"email": "mary@example.org"},),
)


def test_by_age_a_gift_keeps_who_gave_how_much_for_what():
    left = forgetting._gift(GIFT, Erased.AGE, {"WATER"})
    assert left == Gift(
        keys=GIFT.keys,
        amount=GIFT.amount,
        donor=Donor(name=NAME, email="mary@example.org", cons_id="9"),
        tender=Tender(kind=TenderKind.CARD),
        designations=tuple(replace(part, contact="") for part in GIFT.designations),
    )


def test_of_a_donor_a_gift_keeps_the_money_and_the_funds_of_the_map():
    left = forgetting._gift(GIFT, Erased.DONOR, {"WATER"})
    shares = (Designation(fund="WATER", amount=usd("40.00")), Designation(amount=usd("15.00")),
              Designation(amount=usd("5.00")))  # fmt: skip
    tender = Tender(kind=TenderKind.CARD)
    assert left == Gift(keys=GIFT.keys, amount=GIFT.amount, tender=tender, designations=shares)


def test_what_is_erased_twice_is_erased_once():
    changes = {"status": "held", "parameters": EVERY, "reason_text": "Mary called"}
    once = forgetting.of_change(changes, Erased.DONOR)
    assert forgetting.of_change(once, Erased.DONOR) == once
    assert (once["status"], once["reason_text"]) == ("held", forgetting.WORDS)
