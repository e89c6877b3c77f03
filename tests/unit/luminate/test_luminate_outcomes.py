"""From what came back to what it means: one line a case."""

import pytest

from relay.errors import MaybeSent, NotSent
from relay.luminate.outcomes import COMMON_CODES, TRANSPORT_CODES, UNREAD, judge_error, judge_gift, judge_refund
from relay.luminate.replies import ReplyKind, read_reply
from relay.status import Outcome
from tests.unit.luminate.giving import answer, usd

POSTED, REJECTED, UNKNOWN, BLOCKED = Outcome.POSTED, Outcome.REJECTED, Outcome.UNKNOWN, Outcome.BLOCKED


def gift_judged(body, status=200, sent="100.00"):
    return judge_gift(read_reply(answer(body, status)), status, usd(sent))


def refund_judged(body, status=200):
    return judge_refund(read_reply(answer(body, status)), status)


def error_body(code, form="json"):
    if form == "json":
        return f'{{"errorResponse":{{"code":"{code}","message":"Their words."}}}}'.encode()
    inside = f"<code>{code}</code><message>Their words.</message>"
    return f'<errorResponse xmlns="http://convio.com/crm/v1">{inside}</errorResponse>'.encode()


@pytest.mark.parametrize(
    ("body", "status", "outcome", "reason", "flag"),
    [
        # recorded
        ("add_ok.xml", 200, POSTED, "recorded", ""),
        ("add_ok.json", 200, POSTED, "recorded", ""),
        ("add_ok_one_summary_field.json", 200, POSTED, "recorded", ""),
        ("wrong_charset.xml", 200, POSTED, "recorded", ""),
        ("byte_order_mark.json", 200, POSTED, "recorded", ""),
        ("add_other_amount.json", 200, POSTED, "recorded", "amount_differs"),
        ("add_amount_not_shown.json", 200, POSTED, "recorded", "amount_not_shown"),
        ("add_and_errors.xml", 200, POSTED, "recorded", "errors_beside_donation"),
        # the body beats the status code
        ("add_ok.json", 403, POSTED, "recorded", ""),
        ("add_ok.json", 405, POSTED, "recorded", ""),
        ("add_ok.json", 502, POSTED, "recorded", ""),
        ("bad_key_403.xml", 200, BLOCKED, "bad_api_key", ""),
        ("bad_key_403.xml", 502, BLOCKED, "bad_api_key", ""),
        ("field_errors.json", 200, REJECTED, "luminate_field_error", ""),
        # no code, no proof
        ("add_without_code.xml", 200, UNKNOWN, "no_confirmation_code", ""),
        ("add_without_code.json", 200, UNKNOWN, "no_confirmation_code", ""),
        ("two_donations.json", 200, UNKNOWN, "no_confirmation_code", ""),
        # refused
        ("field_errors.xml", 403, REJECTED, "luminate_field_error", ""),
        ("field_errors.json", 403, REJECTED, "luminate_field_error", ""),
        ("one_field_error.xml", 403, REJECTED, "luminate_field_error", ""),
        ("one_field_error.json", 403, REJECTED, "luminate_field_error", ""),
        ("card_declined.json", 403, REJECTED, "card_declined", ""),
        (b'{"donationResponse":{"errors":{"code":"101","message":"No."}}}', 403, REJECTED, "luminate_refused", ""),
        (
            b'{"donationResponse":{"errors":{"code":"101","fieldError":"No."}}}',
            403,
            REJECTED,
            "luminate_field_error",
            "",
        ),
        (b'{"donationResponse":{"errors":{"reason":"SOMETHING_NEW"}}}', 403, REJECTED, "luminate_refused", ""),
        ("errors_without_words.json", 403, UNKNOWN, "errors_without_words", ""),
        ("suppressed_bad_login.json", 200, BLOCKED, "bad_login", ""),
        (b'{"donationResponse":{"errors":{"code":"1","message":"Unable."}}}', 200, UNKNOWN, "unable_to_process", ""),
        ("trailing_comma.json", 403, BLOCKED, "bad_api_key", ""),
        # the wrong verb: no method was run
        ("empty.txt", 405, BLOCKED, "wrong_verb", ""),
        ("html_502.html", 405, BLOCKED, "wrong_verb", ""),
        (error_body("1"), 405, BLOCKED, "wrong_verb", ""),
        ("add_without_code.json", 405, BLOCKED, "wrong_verb", ""),
        # nothing to read
        ("empty.txt", 200, UNKNOWN, "empty_answer", ""),
        ("blank.txt", 200, UNKNOWN, "empty_answer", ""),
        ("empty_object.json", 200, UNKNOWN, "empty_answer", ""),
        ("empty.txt", 302, UNKNOWN, "empty_answer", ""),
        ("empty.txt", 500, UNKNOWN, "empty_answer", ""),
        ("plain_text.txt", 200, UNKNOWN, "unreadable_answer", ""),
        ("plain_text.txt", 429, UNKNOWN, "unreadable_answer", ""),
        ("plain_text.txt", 404, UNKNOWN, "unreadable_answer", ""),
        ("broken_off.json", 200, UNKNOWN, "unreadable_answer", ""),
        ("broken_off.xml", 200, UNKNOWN, "unreadable_answer", ""),
        ("doctype_bomb.xml", 200, UNKNOWN, "unreadable_answer", ""),
        ("html_502.html", 502, UNKNOWN, "html_page", ""),
        ("html_502.html", 403, UNKNOWN, "html_page", ""),
        ("html_maintenance.html", 200, UNKNOWN, "html_page", ""),
        ("html_without_doctype.html", 403, UNKNOWN, "html_page", ""),
        ("html_maintenance.html", 503, UNKNOWN, "html_page", ""),
        ("html_502.html", 302, UNKNOWN, "html_page", ""),
        # well-formed and not for us
        ("redirect.xml", 200, UNKNOWN, "redirect_reply", ""),
        ("transactions_one.json", 200, UNKNOWN, "unexpected_reply", ""),
        ("email_valid.json", 200, UNKNOWN, "unexpected_reply", ""),
        ("refund_ok.json", 200, UNKNOWN, "unexpected_reply", ""),
        ("refund_ok_bare.json", 200, UNKNOWN, "unexpected_reply", ""),
        (error_body("999"), 403, UNKNOWN, "unknown_code", ""),
        (error_body(""), 403, UNKNOWN, "unknown_code", ""),
        (error_body("901"), 403, UNKNOWN, "unknown_code", ""),
    ],
)
def test_a_gift(body, status, outcome, reason, flag):
    judged = gift_judged(body, status)
    assert (judged.outcome, judged.reason, judged.flag) == (outcome, reason, flag)
    assert (judged.confirmation_code != "") == (outcome is POSTED)


@pytest.mark.parametrize("form", ["json", "xml"])
@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize(
    ("code", "outcome", "reason"),
    [
        ("1", UNKNOWN, "unable_to_process"),
        ("2", BLOCKED, "bad_api_key"),
        ("3", BLOCKED, "bad_login"),
        ("4", BLOCKED, "ip_refused"),
        ("5", BLOCKED, "method_restricted"),
        ("6", BLOCKED, "method_unknown"),
        ("7", BLOCKED, "single_sign_on"),
        ("8", REJECTED, "several_constituents"),
        ("9", REJECTED, "parameter_missing"),
        ("10", REJECTED, "field_missing"),
        ("11", REJECTED, "constituent_exists"),
        ("12", REJECTED, "user_name_taken"),
        ("13", REJECTED, "email_taken"),
        ("14", BLOCKED, "method_not_allowed"),
        ("15", REJECTED, "several_records"),
        ("16", REJECTED, "no_constituent"),
        ("17", BLOCKED, "method_unknown"),
        ("50", UNKNOWN, "list_criteria"),
        ("405", BLOCKED, "wrong_verb"),
        ("906", UNKNOWN, "unknown_code"),
    ],
)
def test_each_common_code_for_both_writes(code, outcome, reason, status, form):
    for judged in (gift_judged(error_body(code, form), status), refund_judged(error_body(code, form), status)):
        assert (judged.outcome, judged.reason) == (outcome, reason)
        assert "Their words." in judged.text


def test_the_tables_are_complete():
    assert set(UNREAD) | {ReplyKind.DONATION, ReplyKind.DONATION_ERRORS, ReplyKind.ERROR_RESPONSE} == set(ReplyKind)
    assert not [code for code, (outcome, _, _) in COMMON_CODES.items() if outcome in (POSTED, Outcome.NOT_SENT)]


@pytest.mark.parametrize(
    ("body", "status", "outcome", "reason"),
    [
        ("refund_ok.json", 200, POSTED, "refunded"),
        ("refund_ok_donation.xml", 200, POSTED, "refunded"),
        ("refund_ok_bare.json", 200, POSTED, "refunded"),
        ("field_errors.json", 403, REJECTED, "luminate_field_error"),
        ("field_errors.xml", 200, REJECTED, "luminate_field_error"),
        ("bad_key_403.xml", 403, BLOCKED, "bad_api_key"),
        ("suppressed_bad_login.json", 200, BLOCKED, "bad_login"),
        ("add_and_errors.xml", 200, UNKNOWN, "unexpected_reply"),
        ("refund_ok.json", 403, UNKNOWN, "unexpected_reply"),
        ("refund_ok.json", 500, UNKNOWN, "unexpected_reply"),
        ("refund_ok_donation.xml", 502, UNKNOWN, "unexpected_reply"),
        (b'{"refundResponse":{"x":{"errors":{"message":"No."}}}}', 200, UNKNOWN, "unexpected_reply"),
        (b'{"refundResponse":{"error":"No."}}', 200, UNKNOWN, "unexpected_reply"),
        ("transactions_one.json", 200, UNKNOWN, "unexpected_reply"),
        ("email_valid.json", 200, UNKNOWN, "unexpected_reply"),
        (b'{"status":"ok"}', 200, UNKNOWN, "unexpected_reply"),
        (b'{"status":"ok","message":"queued"}', 200, UNKNOWN, "unexpected_reply"),
        ("redirect.xml", 200, UNKNOWN, "redirect_reply"),
        ("empty.txt", 200, UNKNOWN, "empty_answer"),
        ("empty_object.json", 200, UNKNOWN, "empty_answer"),
        ("html_maintenance.html", 200, UNKNOWN, "html_page"),
        ("html_without_doctype.html", 200, UNKNOWN, "html_page"),
        ("broken_off.xml", 200, UNKNOWN, "unreadable_answer"),
        ("plain_text.txt", 429, UNKNOWN, "unreadable_answer"),
        ("empty.txt", 405, BLOCKED, "wrong_verb"),
        ("refund_ok.json", 405, BLOCKED, "wrong_verb"),
    ],
)
def test_a_refund(body, status, outcome, reason):
    judged = refund_judged(body, status)
    assert (judged.outcome, judged.reason) == (outcome, reason)
    assert judged.flag == ("shape_not_documented" if outcome is POSTED else "")


def test_what_luminate_says_is_kept_word_by_word():
    judged = gift_judged("field_errors.xml", 403)
    assert judged.text == (
        "Luminate refused it. Luminate says: Error: There was a problem encountered while processing your donation. "
        "There was a problem processing your request.  Please see below. "
        "An email address is required. Billing city is required."
    )


def test_what_luminate_recorded_is_kept():
    judged = gift_judged("add_other_amount.json")
    assert (judged.confirmation_code, judged.luminate_transaction_id, judged.cons_id, judged.luminate_amount) == (
        "709-1201-1-5470-5579", "5579", "1006789", "25")  # fmt: skip
    assert judged.text == "Luminate recorded 25; 100.00 USD was sent."


@pytest.mark.parametrize(
    ("shown", "sent", "flag"),
    [("100", "100.00", ""), ("14.50", "14.50", ""), ("14.5", "14.50", ""), ("100.000", "100.00", ""),
     ("14.51", "14.50", "amount_differs"), ("0", "5.00", "amount_differs"), ("1,000.00", "1000.00", "amount_differs"),
     ("100.001", "100.00", "amount_differs"), ("$5", "5.00", "amount_differs"), ("", "5.00", "amount_not_shown")],
)  # fmt: skip
def test_the_amount_is_compared_exactly(shown, sent, flag):
    body = f'{{"donationResponse":{{"donation":{{"confirmation_code":"1","amount":{{"decimal":"{shown}"}}}}}}}}'
    judged = gift_judged(body.encode(), sent=sent)
    assert (judged.outcome, judged.flag) == (POSTED, flag)


@pytest.mark.parametrize("code", sorted(TRANSPORT_CODES))
def test_a_call_without_an_answer(code):
    lost = judge_error(MaybeSent(f"{code}: Something happened."))
    assert (lost.outcome, lost.reason) == (UNKNOWN, code)
    assert lost.text == "Something happened. Luminate may have recorded it."
    unsent = judge_error(NotSent(f"{code}: Something happened."))
    assert (unsent.outcome, unsent.reason) == (Outcome.NOT_SENT, code)


@pytest.mark.parametrize("text", ["", "boom", "boom: with more"])
def test_an_error_without_a_known_code_still_has_an_outcome(text):
    assert judge_error(MaybeSent(text)).reason == "maybe_sent"
    assert judge_error(NotSent(text)).reason == "not_sent"
    assert text in judge_error(NotSent(text)).text
