"""Facts section 12: every switch in every position. A guard at the end makes sure that none is left out."""

import json
import time

import pytest
import requests

from relay.sandbox.switches import SWITCHES, defaults

from .calling import ADDRESS, OTHER, donation_errors, error_of

covered: set[str] = set()
# These are switches of the SOAP web services: test_sandbox_soap.py has them in every position.
SOAP_ONLY = {"sub_source_readable", "soap_where", "soap_fault_http"}


def switch_table(name, *rows):
    """Parametrizes over the positions of one switch; every position must have a row."""
    assert {row[0] for row in rows} == set(SWITCHES[name]), name
    covered.add(name)
    return pytest.mark.parametrize(("position", *"xyzw"[: len(rows[0]) - 1]), rows)


def share(amount):
    return {"designated__1__id": "1001", "designated__1__amount": amount}


def recorded_share(site):
    gifts = site.donations()
    return gifts[0]["designations"][0]["amount"] if gifts else "refused"


@switch_table("designated_cents", ("refuse", "refused"), ("accept", "12.50"), ("truncate", "12.00"))
def test_cents_in_a_share(site, position, x):
    site.switch(designated_cents=position)
    answer = site.add(**share("12.50"))
    assert recorded_share(site) == x
    if x == "refused":
        assert donation_errors(answer) == ["Designated amount must be a whole number."]


@pytest.mark.parametrize("position", SWITCHES["designated_cents"])
def test_a_whole_share_is_taken_in_every_position(site, position):
    site.switch(designated_cents=position)
    site.add(**share("25"))
    assert recorded_share(site) == "25.00"


@switch_table("designated_sum", ("unchecked", 200), ("must_equal", 403))
def test_shares_that_do_not_add_up(site, position, x):
    site.switch(designated_sum=position)
    assert site.add(**share("24")).status_code == x
    assert site.add(**share("25")).status_code == 200
    assert site.add().status_code == 200  # no shares at all


@switch_table(
    "single_designated",
    ("ignored", [{"id": "1001", "amount": "5.00"}]),
    ("honoured", [{"id": "1003", "amount": "25.00"}]),
)
def test_a_single_designation(site, position, x):
    site.switch(single_designated=position)
    site.add(single_designated_id="1003", **share("5"))
    assert site.donations()[0]["designations"] == x


@switch_table("fixed_level_other_amount", ("ignored", "100.00"), ("used", "12.34"), ("refused", None))
def test_other_amount_on_a_fixed_level(site, position, x):
    site.switch(fixed_level_other_amount=position)
    site.add(level_id="1522", other_amount="12.34")
    assert [gift["amount"] for gift in site.donations()] == ([x] if x else [])


TEXTS = ("12.345", "1,234.56", "$12", "12,50")


@switch_table(
    "amount_text",
    ("strict", [None, None, None, None]),
    ("lenient_round", ["12.35", "1234.56", "12.00", "12.50"]),
    ("lenient_truncate", ["12.34", "1234.56", "12.00", "12.50"]),
)
def test_amount_texts(site, position, x):
    site.switch(amount_text=position)
    found = [site.add(other_amount=text).json()["donationResponse"].get("donation", {}).get("amount") for text in TEXTS]
    amounts = [gift["amount"] for gift in site.donations()]
    assert [amounts.pop(0) if amount else None for amount in found] == x


@switch_table("read_back_delay_s", ("0", 0), ("5", 5), ("600", 600))
def test_a_gift_can_be_read_back_after_the_delay(site, server, position, x):
    site.switch(read_back_delay_s=position)
    site.add()
    assert bool(site.rows()) is (x == 0)
    advanced = site.session.post(f"{server.url}/sandbox/clock", json={"advance_seconds": x}, timeout=5)
    assert advanced.status_code == 200
    assert len(site.rows()) == 1


@switch_table("offline_pay_method", ("OFFLINE", "OFFLINE"), ("ONLINE", "ONLINE"), ("absent", None))
def test_pay_method_of_an_offline_gift(site, position, x):
    site.switch(offline_pay_method=position)
    site.add()
    assert site.rows()[0].get("pay_method") == x


@switch_table("donation_detail", ("absent", None), ("minimal", {"form_id": "1260", "level_id": "1523"}))
def test_donation_detail_comes_only_when_donations_are_asked_for(site, position, x):
    site.switch(donation_detail=position)
    site.add()
    assert site.rows(transaction_type="DONATION")[0].get("donation_detail") == x
    assert "donation_detail" not in site.rows()[0]


@switch_table("read_permission", ("included", 200), ("separate", 403))
def test_reading_may_need_a_right_of_its_own(site, position, x):
    site.switch(read_permission=position)
    assert site.transactions().status_code == x
    reader = {"login_name": "demo-readonly", "login_password": "demo-readonly-password"}
    assert site.transactions(**reader).status_code == 200


@switch_table("match_by", ("email", 1), ("email_and_name", 2), ("always_new", 3))
def test_constituents_are_matched(site, position, x):
    site.switch(match_by=position)
    site.add()
    site.add()
    site.add(donor__name__first="Grace")
    assert len({gift["cons_id"] for gift in site.donations()}) == x
    assert site.counts()["registration_emails"] == x


@switch_table("ambiguous_email", ("error_8", None), ("first", "71"), ("new", "new"))
def test_an_email_of_several_constituents(site, position, x):
    site.set(
        constituents=[{"cons_id": "71", "email": "ada@example.org"}, {"cons_id": "72", "email": "ada@example.org"}]
    )
    site.switch(ambiguous_email=position)
    answer = site.add()
    if x is None:
        assert error_of(answer)["code"] == "8"
        assert site.donations() == []
    else:
        cons_id = site.donations()[0]["cons_id"]
        assert (cons_id if cons_id in {"71", "72"} else "new") == x


@switch_table("cons_id_conflict", ("cons_id_wins", "71"), ("email_wins", "72"), ("error", None))
def test_cons_id_and_email_disagree(site, position, x):
    site.set(
        constituents=[{"cons_id": "71", "email": "old@example.org"}, {"cons_id": "72", "email": "ada@example.org"}]
    )
    site.switch(cons_id_conflict=position)
    site.add(donor__cons_id="71")
    assert [gift["cons_id"] for gift in site.donations()] == ([x] if x else [])


@switch_table(
    "refund_reply",
    ("donation_response", {"donationResponse": "donation"}),
    ("refund_response", {"refundOfflineDonationResponse": "refund"}),
    ("bare_200", {"donationResponse": None}),
)
def test_success_of_a_refund(site, position, x):
    site.switch(refund_reply=position)
    answer = site.refund(site.code(), refund_amount="5")
    assert answer.status_code == 200
    [(root, inside)] = x.items()
    assert answer.json().keys() == {root}
    assert list(answer.json()[root]) == ([inside] if inside else [])


@switch_table("refund_errors", ("donation_errors", "donationResponse"), ("error_response", "errorResponse"))
def test_errors_of_a_refund(site, position, x):
    site.switch(refund_errors=position)
    for answer in (
        site.refund("1-2-3-4-5"),
        site.refund(site.code(), refund_amount="99"),
        site.refund(site.code(), **OTHER),
    ):
        assert list(answer.json()) == [x]
        assert answer.status_code == 403


@switch_table("auto_responder_default", ("true", 1), ("false", 0))
def test_default_of_the_auto_responder(site, position, x):
    site.switch(auto_responder_default=position)
    site.refund(site.code())
    assert site.counts()["auto_responders"] == x


@switch_table(
    "refund_visibility",
    ("replaced_by_refund_row", ["REFUND"], ["DONATION", "REFUND"]),
    ("stays", ["DONATION", "REFUND"], ["DONATION", "REFUND"]),
    ("vanishes", [], ["DONATION", "REFUND"]),
)
def test_what_is_listed_of_a_refunded_gift(site, position, x, y):
    site.switch(refund_visibility=position)
    site.refund(site.code())
    assert sorted(row["transaction_type"] for row in site.rows()) == x
    site.refund(site.code(donor__email="partly@example.org"), refund_amount="5")
    assert sorted(row["transaction_type"] for row in site.rows(primary_email="partly@example.org")) == y


@switch_table("form_info_offline_only", ("answers", 200), ("error", 403))
def test_form_info_of_an_offline_only_form(site, position, x):
    site.switch(form_info_offline_only=position)
    assert site.read_form("getDonationFormInfo", form_id="1261").status_code == x
    assert site.read_form("getDonationFormInfo", form_id="1260").status_code == 200


@switch_table("check_order", ("as in 13.2", "2"), ("method_first", "6"), ("parameters_first", "6"))
def test_order_of_checks(site, position, x):
    site.switch(check_order=position)  # all orders in full: test_sandbox_checks.py
    assert error_of(site.add(method="x", api_key="x"))["code"] == x
    assert error_of(site.add(form_id=None, api_key="x"))["code"] == ("9" if position == "parameters_first" else "2")


@switch_table("donation_error_http", ("403", 403), ("200", 200))
def test_status_of_donation_errors(site, position, x):
    site.switch(donation_error_http=position)
    assert site.add(donor__email=None).status_code == x
    assert site.add(api_key="x").status_code == 403


@switch_table("mismatch_root", ("donation_errors", "donationResponse"), ("error_response", "errorResponse"))
def test_family_of_a_form_and_level_mismatch(site, position, x):
    site.switch(mismatch_root=position)
    assert list(site.add(level_id="1530").json()) == [x]
    assert list(site.add(form_id="1262", level_id="1540").json()) == [x]


@switch_table("missing_payment_method", ("error_9", None), ("cash", "CASH"))
def test_a_missing_payment_method(site, position, x):
    site.switch(missing_payment_method=position)
    answer = site.add(offline_payment_method=None)
    if x is None:
        assert error_of(answer)["code"] == "9"
    assert [row["tender_type"] for row in site.rows()] == ([x] if x else [])


@switch_table("unknown_parameters", ("ignored", 200), ("error_9", 403))
@pytest.mark.parametrize("name", ["note", "single_designated_id", "designated_write_in.x.name", "Donor.email"])
def test_parameters_it_does_not_know(site, position, x, name):
    site.switch(unknown_parameters=position)
    assert site.add(**{name.replace(".", "__"): "1001"}).status_code == x
    assert site.refund(site.code(), note="x").status_code == x


@switch_table("enforce_validation", ("false", 200), ("true", 403))
def test_validation_can_be_enforced_while_running(site, position, x):
    assert site.add().status_code == 200
    site.switch(enforce_validation=position)
    assert site.add(validate="false").status_code == x
    assert site.add(**{name.replace(".", "__"): value for name, value in ADDRESS.items()}).status_code == 200


@switch_table("field_max", ("none", 60), ("truncate_50", 50), ("refuse_50", None))
def test_field_lengths(site, position, x):
    site.switch(field_max=position)
    long_email = f"{'a' * 60}@example.org"
    answer = site.add(donor__name__last="x" * 60, donor__email=long_email)
    if x is None:
        assert donation_errors(answer) == ["donor.name.last is too long."]
    else:
        assert len(site.donations()[0]["billing"]["name.last"]) == x
        assert site.donations()[0]["email"] == long_email


@switch_table("decimal_text", ("as_documented", "100", "14.50"), ("two_places", "100.00", "14.50"))
def test_decimal_text(site, position, x, y):
    site.switch(decimal_text=position)
    for amount, text in (("100", x), ("14.5", y)):
        assert site.add(other_amount=amount).json()["donationResponse"]["donation"]["amount"]["decimal"] == text


@switch_table("trailing_comma", ("false", True), ("true", False))
def test_the_invalid_json_of_the_documented_error(site, position, x):
    site.switch(trailing_comma=position)
    for answer in (site.add(api_key="x"), site.transactions(login_name="x")):
        try:
            json.loads(answer.text)
        except ValueError:
            assert not x
            assert answer.text.endswith('", }}')
        else:
            assert x
    assert site.add(donor__email=None).json()
    assert "<errorResponse" in site.add(api_key="x", response_format="xml").text


@switch_table("code_matches_id", ("true", True), ("false", False))
def test_the_last_segment_of_the_code(site, position, x):
    site.switch(code_matches_id=position)
    gifts = [site.add().json()["donationResponse"]["donation"] for _ in range(3)]
    assert all((gift["confirmation_code"].split("-")[-1] == gift["transaction_id"]) is x for gift in gifts)
    assert len({gift["confirmation_code"] for gift in gifts}) == 3


@switch_table("suppressed_error_root", ("errorResponse", "errorResponse"), ("donationResponse", "donationResponse"))
def test_common_errors_under_suppression(site, position, x):
    site.switch(suppressed_error_root=position)
    assert list(site.add(api_key="x", suppress_response_codes="true").json()) == [x]
    assert list(site.add(api_key="x").json()) == ["errorResponse"]
    assert list(site.transactions(api_key="x", suppress_response_codes="true").json()) == ["errorResponse"]


@switch_table("throttle", ("none", 200, 1), ("429", 429, 0), ("503_html", 503, 0), ("slow", 200, 1))
def test_throttling_and_maintenance(site, monkeypatch, position, x, y):
    monkeypatch.setattr("relay.sandbox.api.SLOW_SECONDS", 0.2)
    site.switch(throttle=position)
    started = time.monotonic()
    answer = site.add()
    assert answer.status_code == x
    assert (time.monotonic() - started >= 0.2) is (position == "slow")
    assert ("<html" in answer.text) is (x != 200)
    assert site.counts()["gifts"] == y
    assert site.calls()[0]["fault"] == (None if position == "none" else f"throttle_{position}")


@switch_table(
    "country_text", ("as_sent", "FR", "NY", "US", "NY"), ("full_name", "France", "None", "United States", "NY")
)
def test_state_and_country_in_replies(site, position, x, y, z, w):
    site.switch(country_text=position)
    for country, shown, state in (("FR", x, y), ("US", z, w)):
        email = f"{country}@example.org"
        site.add(donor__email=email, billing__address__country=country, billing__address__state="NY")
        address = site.rows(primary_email=email)[0]["billing_address"]
        assert (address["country"], address["state"]) == (shown, state)


def test_every_switch_has_a_test():
    assert covered | SOAP_ONLY == set(SWITCHES)


def test_defaults_are_the_first_positions(site):
    shown = requests.get(f"{site.url}/sandbox/organizations/{site.name}", timeout=5).json()["switches"]
    assert shown == defaults() == {name: positions[0] for name, positions in SWITCHES.items()}


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (600, "600"), ("two_places", "two_places")])
def test_positions_may_be_json_values(site, value, text):
    name = {"true": "enforce_validation", "600": "read_back_delay_s", "two_places": "decimal_text"}[text]
    assert site.set(switches={name: value}).json()["switches"][name] == text


def test_switches_belong_to_one_organization(site, server):
    site.switch(enforce_validation="true")
    other = requests.get(f"{server.url}/sandbox/organizations/{site.name}-other", timeout=5).json()
    assert other["switches"] == defaults()
