"""Facts 13.3, 13.7 and section 4: refunds, whole and in parts."""

import pytest

from .calling import OTHER, donation_errors, error_of, local_names


@pytest.mark.parametrize("amount", [None, "", "0", "0.00", "25", "25.00"])
def test_a_missing_amount_zero_and_the_whole_value_are_a_full_refund(site, amount):
    assert site.refund(site.code(), refund_amount=amount).status_code == 200
    gift = site.donations()[0]
    assert gift["current_amount"] == "0.00"
    assert [(refund["amount"], refund["full"]) for refund in gift["refunds"]] == [("25.00", True)]


def test_several_partial_refunds_until_nothing_is_left(site):
    code = site.code()
    for amount in ("10.00", "10.00", "5.00"):
        assert site.refund(code, refund_amount=amount).status_code == 200
    refunds = site.donations()[0]["refunds"]
    assert [(refund["amount"], refund["full"]) for refund in refunds] == [
        ("10.00", False),
        ("10.00", False),
        ("5.00", True),
    ]
    assert donation_errors(site.refund(code, refund_amount="0.01")) == ["The transaction has already been refunded."]


def test_a_full_refund_after_a_partial_one_returns_what_is_left(site):
    code = site.code()
    site.refund(code, refund_amount="10.01")
    site.refund(code)
    assert [refund["amount"] for refund in site.donations()[0]["refunds"]] == ["10.01", "14.99"]


def test_more_than_is_left_is_refused(site):
    code = site.code()
    site.refund(code, refund_amount="10")
    text = donation_errors(site.refund(code, refund_amount="15.01"))
    assert text == ["The refund amount is greater than the current value of the transaction."]
    assert site.donations()[0]["current_amount"] == "15.00"


@pytest.mark.parametrize("amount", ["-1", "abc", "1.234", "1,00"])
def test_an_unreadable_amount_is_refused(site, amount):
    assert donation_errors(site.refund(site.code(), refund_amount=amount)) == ["The refund amount is invalid."]


def test_only_the_account_that_added_a_gift_may_refund_it(site):
    code = site.code()
    text = donation_errors(site.refund(code, **OTHER))
    assert text == ["The transaction was added by another API administrator account."]
    assert site.refund(site.code(**OTHER), **OTHER).status_code == 200
    assert site.counts()["refunds"] == 1


def test_an_unknown_code_is_refused_and_the_transaction_id_is_none(site):
    transaction_id = site.add().json()["donationResponse"]["donation"]["transaction_id"]
    assert donation_errors(site.refund(transaction_id)) == ["No transaction was found for the given confirmation code."]


def test_the_code_is_required(site):
    assert error_of(site.refund(""))["code"] == "9"


@pytest.mark.parametrize(("sent", "mails"), [(None, 1), ("true", 1), ("false", 0)])
def test_auto_responders_are_counted(site, sent, mails):
    site.refund(site.code(), send_auto_responder=sent)
    assert site.counts()["auto_responders"] == mails


def test_a_refund_answers_in_xml_too(site):
    code = site.code()
    donation = local_names(site.refund(code, response_format="xml").text)["donation"]
    assert donation["confirmation_code"] == code
    assert donation["amount"]["decimal"] == "25"


def test_the_log_tells_which_gift_was_refunded(site):
    code = site.code()
    site.refund(code)
    line = site.calls()[-1]
    assert (line["method"], line["refund_user_confirm_code"], line["recorded"]) == ("refundOfflineDonation", code, True)
