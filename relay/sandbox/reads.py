"""The calls of SRConsAPI: getUserTransactions and isEmailValid (facts 8.1, 8.3)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from .calls import Call
from .errors import AMBIGUOUS, BAD_LIST, MISSING, CommonError
from .parameters import is_email
from .site import Constituent, Gift
from .transaction_rows import gift_row, refund_row

Answer = tuple[str, Mapping[str, Any]]
Row = tuple[datetime, Mapping[str, Any]]
STATES = ("PENDING", "PENDING_ACCEPTED", "PENDING_REJECTED", "PENDING_ACCEPTED_FAILED", "PENDING_REJECTED_FAILED",
          "SETTLED", "REJECTED", "ACCEPTED_FAILED", "REJECTED_FAILED")  # fmt: skip
TYPES = frozenset({"DONATION", "REFUND", "PLEDGE", "RECURRING_GIFT", "TICKET", "ECOMMERCE_PURCHASE", "F2F_REGISTRATION",
                   "TRIBUTES_REGISTRATION", "FAILED_RECURRING_DONATION_DECLINED", "FAILED_RECURRING_DONATION_FRAUD",
                   *(f"DONATION_{state}" for state in STATES)})  # fmt: skip


def email_valid(call: Call) -> Answer:
    """Checks the pattern only (H)."""
    return "isEmailValidResponse", {"valid": "true" if is_email(call.get("email")) else "false"}


def transactions(call: Call) -> Answer:
    """The transactions of one constituent. The root is not the method's name (H); a stranger has none (ND)."""
    kind = call.get("transaction_type")
    if kind and kind not in TYPES:
        raise CommonError(BAD_LIST, f"The transaction_type {kind} is not known.")
    begin, end = _moment(call, "begin_date"), _moment(call, "end_date")
    start, size = _page(call)
    rows = [row for person in _people(call) for row in _rows(call, person, kind)]
    inside = [node for at, node in rows if (begin is None or at >= begin) and (end is None or at <= end)]
    return "getConsTransactionsResponse", {"transaction": inside[start : start + size]}


def _people(call: Call) -> list[Constituent]:
    """Nobody or one; several with the same e-mail are error 8 (H)."""
    people = call.organization.constituents
    if call.get("cons_id"):
        return [people[cons_id] for cons_id in [call.get("cons_id")] if cons_id in people]
    if call.get("member_id"):
        return [person for person in people.values() if person.member_id == call.get("member_id")][:1]
    if not call.get("primary_email"):
        raise CommonError(MISSING, "One of cons_id, member_id or primary_email is required.")
    found = call.organization.with_email(call.get("primary_email"))
    if len(found) > 1:
        raise CommonError(AMBIGUOUS, "The request matched more than one constituent.")
    return found


def _rows(call: Call, person: Constituent, kind: str) -> list[Row]:
    """Rows in no order (H): stable from page to page, yet neither by time nor by id."""
    gifts = sorted(call.organization.gifts_of(person.cons_id), key=lambda gift: gift.transaction_id[::-1])
    rows = [row for gift in gifts for row in _refund_rows(call, gift)] if kind in ("", "REFUND") else []
    if kind in ("", "DONATION"):
        detail = kind == "DONATION" and call.switch("donation_detail") == "minimal"
        rows += [
            (g.recorded_at, gift_row(g, call.organization.switches, detail=detail)) for g in gifts if is_listed(call, g)
        ]
    return rows


def is_listed(call: Call, gift: Gift) -> bool:
    """A refunded gift leaves the list (M) unless `refund_visibility` says that it stays."""
    refunded = gift.current_amount == 0 and bool(gift.refunds)
    return _readable(call, gift.recorded_at) and not (refunded and call.switch("refund_visibility") != "stays")


def _refund_rows(call: Call, gift: Gift) -> list[Row]:
    if gift.current_amount == 0 and call.switch("refund_visibility") == "vanishes":
        return []
    seen = [refund for refund in gift.refunds if _readable(call, refund.recorded_at)]
    return [(refund.recorded_at, refund_row(gift, refund, call.organization.switches)) for refund in seen]


def _readable(call: Call, recorded_at: datetime) -> bool:
    return call.now >= recorded_at + timedelta(seconds=int(call.switch("read_back_delay_s")))


def _moment(call: Call, name: str) -> datetime | None:
    """An ISO 8601 moment; one without an offset is read as UTC (ND)."""
    if not call.get(name):
        return None
    try:
        moment = datetime.fromisoformat(call.get(name))
    except ValueError:
        raise CommonError(BAD_LIST, f"The parameter {name} is not a date and time.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _page(call: Call) -> tuple[int, int]:
    """First record and number of records. Page and record offsets start with zero; only one may be given (H)."""
    if call.get("list_page_offset") and call.get("list_record_offset"):
        raise CommonError(BAD_LIST, "Only one of list_page_offset and list_record_offset may be given.")
    size = _count(call, "list_page_size", 25)
    return _count(call, "list_record_offset", 0) or _count(call, "list_page_offset", 0) * size, size


def _count(call: Call, name: str, default: int) -> int:
    text = call.get(name)
    if text and not (text.isascii() and text.isdigit()):
        raise CommonError(BAD_LIST, f"The parameter {name} is not a number.")
    return int(text) if text else default
