"""From answer to outcome: two tables and the few rules that read them. Pure; the network and the ledger are elsewhere.

A retry is only safe after NOT_SENT, so whatever leaves a doubt is UNKNOWN. The body beats the status code: Luminate
answers HTTP 403 to every error and 200 under ``suppress_response_codes``
(http://open.convio.com/api/apidoc/general/http_status.html).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from relay.errors import MaybeSent, MoneyError, NotSent
from relay.luminate.replies import Reply, ReplyKind
from relay.luminate.seen import read_moment
from relay.money import Money
from relay.status import Outcome

_UNKNOWN, _REJECTED, _BLOCKED = Outcome.UNKNOWN, Outcome.REJECTED, Outcome.BLOCKED

# Luminate's code left; what it means for a write right. A code that is not here is UNKNOWN.
# 1 to 9: http://open.convio.com/api/apidoc/general/error_codes.html
# 10 to 17 and 405: http://open.convio.com/api/constituent-api/server/status-error-codes-server.html (older page)
COMMON_CODES: dict[str, tuple[Outcome, str, str]] = {
    "1": (_UNKNOWN, "unable_to_process", "Luminate was unable to process the request; it may still have recorded it."),
    "2": (_BLOCKED, "bad_api_key", "Luminate does not accept the API key."),
    "3": (_BLOCKED, "bad_login", "Luminate does not accept the API account: wrong login, or a missing permission."),
    "4": (_BLOCKED, "ip_refused", "The address relay calls from is not on Luminate's allow-list."),
    "5": (_BLOCKED, "method_restricted", "Luminate restricts this method to signed-in constituents."),
    "6": (_BLOCKED, "method_unknown", "Luminate does not know the method; the address may be of another servlet."),
    "7": (_BLOCKED, "single_sign_on", "Luminate expected a single sign-on, which relay does not use."),
    "8": (_REJECTED, "several_constituents", "The donor's e-mail address belongs to more than one constituent."),
    "9": (_REJECTED, "parameter_missing", "Luminate misses a required parameter."),
    "10": (_REJECTED, "field_missing", "Luminate misses a required field and does not say which."),
    "11": (_REJECTED, "constituent_exists", "A new constituent would match one that exists."),
    "12": (_REJECTED, "user_name_taken", "The user name is taken."),
    "13": (_REJECTED, "email_taken", "The e-mail address is taken by another constituent."),
    "14": (_BLOCKED, "method_not_allowed", "The API account may not call this method."),
    "15": (_REJECTED, "several_records", "More than one record matches."),
    "16": (_REJECTED, "no_constituent", "No record matches."),
    "17": (_BLOCKED, "method_unknown", "Luminate does not know the method."),
    "50": (_UNKNOWN, "list_criteria", "Luminate speaks of list criteria, which a write does not have."),
    "405": (_BLOCKED, "wrong_verb", "Luminate does not accept the verb of the call."),
}

# What an answer without a readable verdict is called, by kind; the status code adds to the words, not to the outcome.
UNREAD: dict[ReplyKind, tuple[str, str]] = {
    ReplyKind.HTML: ("html_page", "Luminate answered with a web page instead of a reply."),
    ReplyKind.EMPTY: ("empty_answer", "Luminate's answer was empty."),
    ReplyKind.UNREADABLE: ("unreadable_answer", "Luminate's answer could not be read."),
    ReplyKind.REDIRECT: ("redirect_reply", "Luminate answered with a redirect to an external checkout."),
    ReplyKind.OTHER: ("unexpected_reply", "Luminate answered with something that belongs to another call."),
    ReplyKind.REFUND: ("unexpected_reply", "Luminate answered with something that belongs to another call."),
}

# The code that a transport error's text begins with, up to the colon; relay.luminate.client writes them.
TRANSPORT_CODES = frozenset(
    {"bad_address", "connect_timeout", "connection_refused", "name_not_found", "certificate_refused", "proxy_refused",
     "not_connected", "read_timeout", "connection_lost", "answer_cut_short", "answer_too_large", "tls_broken",
     "transport_failed"}
)  # fmt: skip

# Reason codes of donationResponse/errors that are an open set (http://open.convio.com/api/apidoc/reference/methods/
# addOfflineDonation_method.html shows FIELD_VALIDATION); the texts are never switched on, a site can reword them.
_DONATION_REASONS = {"FIELD_VALIDATION": "luminate_field_error", "CARD_DECLINED": "card_declined"}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one attempt came to.

    ``reason`` is a short stable code for grouping, ``text`` plain words with Luminate's own words verbatim. ``flag``
    is a short code where a posted entry wants a person's eye: ``amount_differs``, ``amount_not_shown``,
    ``errors_beside_donation``, ``shape_not_documented``. ``recorded_at`` is Luminate's own date, where it tells one.
    """

    outcome: Outcome
    reason: str
    text: str
    confirmation_code: str = ""
    luminate_transaction_id: str = ""
    cons_id: str = ""
    luminate_amount: str = ""
    recorded_at: datetime | None = None
    flag: str = ""


def judge_gift(reply: Reply, status: int, sent: Money) -> Judgement:
    """What an answer to addOfflineDonation means; ``sent`` is the amount of the call."""
    if reply.kind is ReplyKind.DONATION and reply.confirmation_code:
        return _recorded(reply, sent)
    if status == 405:
        return _wrong_verb(reply)
    if reply.kind is ReplyKind.DONATION:
        text = "Luminate answered with a donation that has no confirmation code."
        return Judgement(_UNKNOWN, "no_confirmation_code", _with_words(text, reply))
    return _not_recorded(reply, status)


def judge_refund(reply: Reply, status: int) -> Judgement:
    """What an answer to refundOfflineDonation means.

    The shape of its success is not documented: HTTP 200, well-formed, a name at the top that speaks of a donation or a
    refund, and nothing that speaks of an error. Anything else answers another call, or is some machine's on the way.
    """
    if status == 405:
        return _wrong_verb(reply)
    if status == 200 and _speaks_of_a_refund(reply) and not reply.has_errors:
        text = "Luminate has refunded it; the shape of this answer is not documented, so it is kept."
        return Judgement(Outcome.POSTED, "refunded", text, **_ids(reply), flag="shape_not_documented")
    if reply.kind is ReplyKind.DONATION:
        text = f"Luminate's answer speaks of a donation beside something else (HTTP {status})."
        return Judgement(_UNKNOWN, "unexpected_reply", _with_words(text, reply))
    return _not_recorded(reply, status)


def _speaks_of_a_refund(reply: Reply) -> bool:
    if reply.kind is ReplyKind.DONATION:
        return bool(reply.confirmation_code)
    return reply.kind is ReplyKind.REFUND or (reply.kind is ReplyKind.OTHER and reply.root == "donationResponse")


def judge_error(error: NotSent | MaybeSent) -> Judgement:
    """What a call without an answer means. The code before the colon of the error's text is the reason."""
    code, _, words = str(error).partition(": ")
    surely = isinstance(error, NotSent)
    if code not in TRANSPORT_CODES:
        code, words = ("not_sent" if surely else "maybe_sent"), str(error)
    after = "Nothing was sent." if surely else "Luminate may have recorded it."
    return Judgement(Outcome.NOT_SENT if surely else _UNKNOWN, code, " ".join(filter(None, (words, after))))


def _recorded(reply: Reply, sent: Money) -> Judgement:
    """A confirmation code exists, so the gift does; anything odd about it is a flag, never a reason to send again."""
    flag, text = _flag(reply, sent)
    return Judgement(Outcome.POSTED, "recorded", text, **_ids(reply), flag=flag)


def _flag(reply: Reply, sent: Money) -> tuple[str, str]:
    if not reply.amount_text:
        return "amount_not_shown", f"Luminate recorded the gift but does not show the amount; {sent} was sent."
    if not _same_amount(reply.amount_text, sent):
        return "amount_differs", f"Luminate recorded {reply.amount_text}; {sent} was sent."
    if reply.has_errors:
        return "errors_beside_donation", _with_words("Luminate recorded the gift and speaks of errors too.", reply)
    return "", "Luminate recorded the gift."


def _same_amount(text: str, sent: Money) -> bool:
    """Exactly the amount sent: Luminate writes "100" and "14.50"."""
    try:
        return Money.parse(text, sent.currency) == sent
    except MoneyError:
        return False


def _ids(reply: Reply) -> dict[str, Any]:
    return {
        "confirmation_code": reply.confirmation_code,
        "luminate_transaction_id": reply.transaction_id,
        "cons_id": reply.cons_id,
        "luminate_amount": reply.amount_text,
        "recorded_at": read_moment(reply.date_time),
    }


def _wrong_verb(reply: Reply) -> Judgement:
    """HTTP 405, readable or not: no method was run."""
    outcome, reason, words = COMMON_CODES["405"]
    return Judgement(outcome, reason, _with_words(words, reply))


def _not_recorded(reply: Reply, status: int) -> Judgement:
    """Errors in the body speak for themselves; without them nothing is proven."""
    if reply.kind is ReplyKind.ERROR_RESPONSE:
        return _by_code(reply)
    if reply.kind is ReplyKind.DONATION_ERRORS:
        return _donation_errors(reply)
    reason, words = UNREAD[reply.kind]
    return Judgement(_UNKNOWN, reason, f"{words} (HTTP {status})")


def _donation_errors(reply: Reply) -> Judgement:
    """A refusal of this gift.

    Under suppression a site may wrap a common error in the same element: its code, which then comes without a reason
    and without field errors, is read from the common table.
    """
    if not (reply.code or reply.reason or reply.message or reply.field_errors or reply.page_errors):
        return Judgement(_UNKNOWN, "errors_without_words", "Luminate speaks of errors and names none.")
    if reply.code in COMMON_CODES and not (reply.reason or reply.field_errors or reply.page_errors):
        return _by_code(reply)
    by_reason = _DONATION_REASONS.get(reply.reason, "luminate_refused")
    reason = "luminate_field_error" if reply.field_errors and by_reason == "luminate_refused" else by_reason
    return Judgement(_REJECTED, reason, _with_words("Luminate refused it.", reply))


def _by_code(reply: Reply) -> Judgement:
    fallback = (_UNKNOWN, "unknown_code", f"Luminate answered with the code {reply.code!r}, which relay does not know.")
    outcome, reason, words = COMMON_CODES.get(reply.code, fallback)
    return Judgement(outcome, reason, _with_words(words, reply))


def _with_words(text: str, reply: Reply) -> str:
    """Our words, then Luminate's own, each once, as they are."""
    theirs = dict.fromkeys((reply.message, *reply.page_errors, *reply.field_errors))
    said = " ".join(word for word in theirs if word)
    return f"{text} Luminate says: {said}" if said else text
