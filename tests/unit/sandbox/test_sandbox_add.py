"""Facts 13.4, 13.5 and section 3: what addOfflineDonation records, and what it refuses."""

import pytest

from relay.sandbox.parameters import COMMON, DESIGNATED, GIFT, WRITE_IN

from .calling import ADDRESS, donation_errors

MINIMUM = "Gift amount is invalid."


def test_every_call_that_passes_records_a_gift_also_when_it_equals_an_earlier_one(site):
    codes = {site.code() for _ in range(3)}
    assert len(codes) == 3
    assert {gift["confirmation_code"] for gift in site.donations()} == codes
    assert len({gift["cons_id"] for gift in site.donations()}) == 1


def test_every_documented_parameter_is_known():
    assert len(COMMON) == 10
    patterned = {"designated.1.id", "designated.1.amount"} | {
        f"designated_write_in.1.{part}" for part in ("name", "contact", "amount")
    }
    assert all(DESIGNATED.fullmatch(name) or WRITE_IN.fullmatch(name) for name in patterned)
    assert len(GIFT | patterned) == 79


def test_params_are_what_was_received_without_credentials(site):
    site.add(sub_source="ch_1", employer="no such name")
    params = site.donations()[0]["params"]
    assert params["sub_source"] == "ch_1"
    assert params["employer"] == "no such name"
    assert not {"api_key", "login_name", "login_password"} & set(params)
    assert site.donations()[0]["login"] == "demo-api-user"


@pytest.mark.parametrize(
    ("changed", "amount"),
    [
        ({"other_amount": "1.00"}, "1.00"),
        ({"other_amount": "12.34"}, "12.34"),
        ({"other_amount": "7"}, "7.00"),
        ({"other_amount": "123456789.99"}, "123456789.99"),
        ({"other_amount": "5", "additional_amount": "2.50"}, "7.50"),
        ({"level_id": "1521", "other_amount": None}, "25.00"),
        ({"level_id": "1522", "other_amount": None}, "100.00"),
        ({"level_id": "1522", "other_amount": None, "additional_amount": "0.01"}, "100.01"),
    ],
)
def test_amounts(site, changed, amount):
    answer = site.add(**changed).json()["donationResponse"]["donation"]["amount"]
    assert site.donations()[0]["amount"] == amount
    assert answer["formatted"].replace(",", "") == f"${amount}"


@pytest.mark.parametrize("amount", [None, "0.99", "0", "-5", "abc"])
def test_an_amount_below_the_minimum_or_unreadable_is_refused(site, amount):
    assert donation_errors(site.add(other_amount=amount)) == [MINIMUM]


def test_a_bad_additional_amount_is_refused(site):
    assert donation_errors(site.add(additional_amount="x")) == [MINIMUM]


@pytest.mark.parametrize(
    ("form", "level"),
    [
        ("1260", "1530"),  # a level of another form
        ("1260", "9"),
        ("9", "1523"),
        ("abc", "1523"),
        ("1262", "1540"),  # online-only
        ("1263", "1550"),  # not published
    ],
)
def test_form_and_level_must_be_published_match_and_take_offline_gifts(site, form, level):
    assert len(donation_errors(site.add(form_id=form, level_id=level))) == 1
    assert site.donations() == []


@pytest.mark.parametrize(
    "form",
    [{"published": False}, {"campaign_published": False}, {"levels": {"1523": {"published": False}}}],
)
def test_campaign_form_and_level_must_be_published_without_validation_too(site, form):
    site.set(forms={"1260": form})
    assert site.add().status_code == 403


@pytest.mark.parametrize(
    ("left_out", "text"),
    [
        ("donor__email", "An email address is required."),
        ("donor__name__first", "Billing first name is required."),
        ("donor__name__last", "Billing last name is required."),
    ],
)
def test_email_and_names_are_always_required(site, left_out, text):
    assert donation_errors(site.add(**{left_out: None})) == [text]


@pytest.mark.parametrize("email", ["ada", "ada@", "@x.org", "a b@x.org", "ada@x", "a@b.org,c@d.org"])
def test_an_unusable_email_is_refused(site, email):
    assert donation_errors(site.add(donor__email=email)) == ["The email address is invalid."]


def test_validation_asks_for_the_address_that_the_form_requires(site):
    assert len(donation_errors(site.add(validate="true"))) == 4
    with_address = {name.replace(".", "__"): value for name, value in ADDRESS.items()}
    assert site.add(validate="true", **with_address).status_code == 200
    assert site.add(form_id="1261", level_id="1530", validate="true").status_code == 200


FALLS_BACK = ("name.first", "name.last", "address.street1", "address.city", "address.state", "address.zip")
STAYS_EMPTY = (
    "name.middle", "name.title", "name.suffix", "name.profSuffix", "address.street2", "address.street3",
    "address.county", "address.country",
)  # fmt: skip


def test_billing_falls_back_to_the_donor_in_six_fields_and_nowhere_else(site):
    site.add(**{f"donor.{name}".replace(".", "__"): name for name in FALLS_BACK + STAYS_EMPTY})
    assert site.donations()[0]["billing"] == {name: name for name in FALLS_BACK}


def test_a_billing_name_of_its_own_is_kept(site):
    site.add(billing__name__first="Grace", donor__name__first=None)
    assert site.donations()[0]["billing"] == {"name.first": "Grace", "name.last": "Lovelace"}


@pytest.mark.parametrize("method", ["cash", "check", "credit"])
def test_payment_methods(site, method):
    assert site.add(offline_payment_method=method).status_code == 200


@pytest.mark.parametrize("method", ["ach", "Cash", "paypal"])
def test_another_payment_method_is_refused(site, method):
    assert donation_errors(site.add(offline_payment_method=method)) == ["The payment method is invalid."]


@pytest.mark.parametrize(
    ("changed", "receipts", "welcomes"),
    [
        ({}, 2, 1),  # both default to true; the second gift creates nobody
        ({"send_receipt": "true", "send_registration_email": "TRUE"}, 2, 1),
        ({"send_receipt": "false", "send_registration_email": "false"}, 0, 0),
        ({"send_receipt": "no"}, 0, 1),
    ],
)
def test_emails_that_would_have_gone_out_are_counted(site, changed, receipts, welcomes):
    site.add(**changed)
    site.add(**changed)
    counts = site.counts()
    assert (counts["gifts"], counts["receipts"], counts["registration_emails"]) == (2, receipts, welcomes)


def test_a_refused_gift_counts_as_a_call_only(site):
    site.add(other_amount="0")
    assert site.counts() == {
        "gifts": 0, "refunds": 0, "receipts": 0, "registration_emails": 0, "auto_responders": 0, "calls": 1,
    }  # fmt: skip


WHOLE = {"designated__7__id": "1001", "designated__7__amount": "20", "designated__3__id": "1003",
         "designated__3__amount": "5"}  # fmt: skip


@pytest.mark.parametrize(("form", "level"), [("1260", "1523"), ("1261", "1530")])
def test_designations_are_tied_by_any_number(site, form, level):
    site.add(form_id=form, level_id=level, **WHOLE)
    assert site.donations()[0]["designations"] == [{"id": "1003", "amount": "5.00"}, {"id": "1001", "amount": "20.00"}]


WRITE_INS = {"designated_write_in__1__name": "Choir", "designated_write_in__1__amount": "25",
             "designated_write_in__1__contact": "Ms Alto"}  # fmt: skip


def test_write_ins_only_where_the_form_supports_them(site):
    assert donation_errors(site.add(**WRITE_INS)) == ["Write-in designations are not available."]
    site.add(form_id="1261", level_id="1530", **WRITE_INS)
    assert site.donations()[0]["designations"] == [{"name": "Choir", "contact": "Ms Alto", "amount": "25.00"}]


def test_a_form_without_designations_ignores_them(site):
    site.set(forms={"1260": {"designations": False}})
    site.add(**WHOLE)
    assert site.donations()[0]["designations"] == []


@pytest.mark.parametrize(
    ("designee", "validate", "accepted"),
    [("1001", "true", True), ("1004", "false", True), ("1004", "true", False), ("1003", "true", False),
     ("1003", "false", True), ("9999", "false", False)],
)  # fmt: skip
def test_validation_refuses_a_designee_that_the_form_does_not_offer(site, designee, validate, accepted):
    site.set(forms={"1261": {"designees": ["1001", "1004"]}})
    pair = {"designated__1__id": designee, "designated__1__amount": "25"}
    answer = site.add(form_id="1261", level_id="1530", validate=validate, **pair)
    assert (answer.status_code == 200) is accepted


@pytest.mark.parametrize("half", ["designated__1__id", "designated__1__amount"])
def test_half_a_designation_is_refused(site, half):
    assert donation_errors(site.add(**{half: "1001"})) == ["A designation needs both a designee and an amount."]


def test_problems_are_told_together(site):
    texts = donation_errors(site.add(donor__email=None, other_amount="0", designated__1__id="1001"))
    assert len(texts) == 3


def test_a_known_constituent_is_named_by_id(site):
    site.set(constituents=[{"cons_id": "77", "email": "ada@example.org"}])
    site.add(donor__cons_id="77")
    assert site.donations()[0]["cons_id"] == "77"
    assert site.add(donor__cons_id="78").json()["errorResponse"]["code"] == "16"


def test_email_is_matched_whatever_its_case(site):
    site.add()
    site.add(donor__email="ADA@Example.org")
    assert len({gift["cons_id"] for gift in site.donations()}) == 1
