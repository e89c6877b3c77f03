"""`flask show`: the story of an entry for somebody who counts money, not computers."""

import json

import pytest

from relay.errors import NotSent
from relay.luminate.client import Answer


def test_the_headline_of_a_posted_gift(house):
    house.give("ch_1", "250.00")
    house.post()
    shown = house.run("show", 1).stdout
    assert "Gift of $250.00 by Mary Stone, paid 30 December 2025 through stripe: in Luminate since" in shown
    assert "confirmation code 0-1001." in shown


def test_the_story_is_told_in_the_order_it_happened(house, field_error):
    house.give("ch_1")
    house.post(field_error)
    house.run("correct", 1, "billing city=Austin", "--reason", "asked her", "--who", "Ann")
    house.post()
    house.refund("re_1", "ch_1", "10.00")
    house.dispute()
    shown = house.run("show", 1).stdout
    told = [
        "stripe event charge.succeeded evt_1 (number 1) made it.",
        "Attempt 1, begun",
        "Billing city is required.",
        "Ann corrected it: asked her",
        "Attempt 2, begun",
        "A dispute was opened.",
        "Refund of $10.00 to Mary Stone",
        "billing city: Austin",
    ]
    places = [" ".join(shown.split()).index(text) for text in told]
    assert places == sorted(places)
    assert "{" not in shown


def test_a_refusal_is_told_by_its_text_and_not_as_xml(house):
    house.give("ch_1")
    xml = (
        b'<donationResponse xmlns="http://convio.com/crm/v1"><errors><code>101</code><message>Problem.</message>'
        b"<reason>FIELD_VALIDATION</reason><fieldError>An email address is required.</fieldError></errors>"
        b"</donationResponse>"
    )
    house.post(Answer(403, xml, elapsed=0.2))
    shown = house.run("show", 1).stdout
    assert "An email address is required." in shown
    assert "HTTP 403" in shown
    assert "<fieldError>" not in shown


@pytest.mark.parametrize("name", ["1", "ch_1", "0-1001", "1001", "pi_9"])
def test_an_entry_is_found_by_any_of_its_names(house, name):
    house.take(house.gift("ch_1", amount="25.00"))
    (house.take(house.gift("ch_1")), house.post())
    house.take(house.gift("pi_9", amount="31.00"))
    house.post()
    shown = house.run("show", name).stdout
    assert ("Entry 2" if name == "pi_9" else "Entry 1") in shown


def test_a_refund_is_found_by_its_own_id(house):
    house.give("ch_1")
    house.refund("re_1", "ch_1")
    assert "Refund of $10.00" in house.run("show", "re_1").stdout
    assert "Belongs to entry 1." in house.run("show", "re_1").stdout


@pytest.mark.parametrize("name", ["99", "mary", "25.00", "no such thing"])
def test_an_unknown_entry_is_one_clear_sentence(house, name):
    house.give("ch_1")
    result = house.run("show", name, code=1)
    assert result.stdout == ""
    assert result.stderr.startswith(f'There is no entry "{name}"')


def test_a_code_that_names_two_payments_asks_which(house):
    house.give("twin")
    house.give("twin", organization="care")
    assert "names several entries: 1, 2" in house.run("show", "twin", code=1).stderr


def test_what_happens_next_depends_on_where_it_stands(house):
    house.give("ch_1", email="")
    assert "`flask correct 1 donor.email=ADDRESS" in house.run("show", 1).stdout
    house.give("ch_2")
    assert "relay sends it by itself." in house.run("show", 2).stdout
    house.run("pause", "hope", "--reason", "audit", "--who", "Ann")
    assert "paused by Ann: audit" in house.run("show", 2).stdout
    house.run("resume", "hope", "--reason", "done", "--who", "Ann")
    house.post(NotSent("connection_refused: Luminate's server did not take the connection."))
    assert "tries again by itself" in house.run("show", 2).stdout


def test_an_unknown_gift_says_never_to_send_it_again(house):
    house.give("ch_1")
    house.post(Answer(502, b"<html><body>Bad gateway</body></html>"))
    shown = " ".join(house.run("show", 1).stdout.split())
    assert "Luminate may or may not have it" in shown
    assert "Never send it again without proof" in shown


def test_another_amount_in_luminate_wants_a_look(house):
    house.give("ch_1", "25.00")
    donation = {"confirmation_code": "0-5", "transaction_id": "5", "amount": {"decimal": "20.00"}}
    house.post(Answer(200, json.dumps({"donationResponse": {"donation": donation}}).encode()))
    assert "another amount than the donor paid" in " ".join(house.run("show", 1).stdout.split())


def test_a_gift_dated_in_another_fiscal_year_says_so(house):
    house.give("ch_1")  # paid in December 2025, recorded today
    house.post()
    assert "Luminate dates it in another fiscal year than the donor paid" in " ".join(
        house.run("show", 1).stdout.split()
    )


def test_json_holds_the_same_story(house):
    house.give("ch_1")
    house.post()
    (told,) = house.lines("show", 1)
    assert told["id"] == 1
    assert told["headline"].startswith("Gift of $25.00 by Mary Stone")
    assert [moment["text"][:7] for moment in told["timeline"]] == ["stripe ", "Attempt"]
    assert told["parameters"]["other_amount"] == "25.00"
