"""One transaction as Luminate shows it when relay reads back, and the words of its two interfaces for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from relay.errors import ReadRefused

_AMOUNT = re.compile(r"-?\d{1,15}(\.\d{1,8})?", re.ASCII)
_LAST4 = re.compile(r"(?<!\d)\d{4}$", re.ASCII)

# Theirs left, the value of offline_payment_method right; "" for anything else. CREDIT_CARD is the spelling of
# getUserTransactions (chluther/convio_api: fixtures), credit_card that of SOAP
# (http://open.convio.com/webservices/apidoc/reference/types/Payment.html).
_TENDERS = {"credit_card": "credit", "credit": "credit", "check": "check", "cash": "cash"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One row of a look-up; "" and None where Luminate does not say. ``amount`` is in currency units, as shown.

    From ``transaction_id`` on they come from SOAP only, except ``billing_name``.
    """

    kind: str  # DONATION or REFUND
    confirmation_code: str
    amount: Decimal
    at: datetime | None  # aware, UTC
    tender: str = ""  # credit, check, cash
    last4: str = ""
    check_number: str = ""
    transaction_id: str = ""
    email: str = ""
    form_id: str = ""
    sub_source: str = ""
    creation_method: str = ""  # 0 offline, 1 online, 2 recurring
    by_form: bool = False  # from the list of a form: whose it is, ``email`` and ``sub_source`` tell, or nothing does
    billing_name: str = ""


def read_amount(text: str) -> Decimal:
    """The amount, exactly as written. Raises ReadRefused: a row without one could be the gift that is looked for."""
    if not _AMOUNT.fullmatch(text):
        raise ReadRefused("unreadable", "Luminate shows a transaction whose amount cannot be read.")
    return Decimal(text)


def read_moment(text: str) -> datetime | None:
    """A time with its offset, as UTC; None where there is none, or no offset, because then it is a guess."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return moment.astimezone(UTC) if moment.tzinfo else None
    except OverflowError:  # the year 1 or 9999, in a zone that leads out of the calendar
        return None


def read_tender(text: str) -> str:
    """The tender in the words of ``offline_payment_method``, or ""."""
    return _TENDERS.get(text.lower(), "")


def read_last4(text: str) -> str:
    """The last four digits of a masked card number; "" when it is not masked or shows fewer."""
    found = _LAST4.search(text)
    return found[0] if found else ""


def within(rows: tuple[Seen, ...], begin: datetime, end: datetime) -> tuple[Seen, ...]:
    """The rows of this window. One without a time stays: it might belong there."""
    return tuple(row for row in rows if row.at is None or begin <= row.at <= end)
