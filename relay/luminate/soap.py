"""Reads gifts back over SOAP, the second way to find out what became of a call whose answer was lost.

It sees what REST does not: gifts of donors whose address several constituents have, transaction ids, and perhaps the
sub-source. It needs an account of its own, and its own list of addresses. The query that is asked, by date and form, is
the one of the vendor's own viewer (convio/luminate-online-data-viewer: src/js/services/Donation.js); its language:
http://open.convio.com/webservices/apidoc/concepts/query_syntax.html

zeep builds the requests (escaping, namespaces, the session's header) from the site's own description. The answers
are read here and not by zeep: records are extensions of an abstract type that differ from site to site, and one
unforeseen custom field would make zeep refuse a page that has our gift in it. They are read as replies of REST are, by
local name, without DTD and entities, within the same bounds.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from relay.config import LuminateSettings
from relay.errors import ReadRefused
from relay.luminate.client import Answer
from relay.luminate.documents import NotADocument, decode, is_page, parse
from relay.luminate.paging import complete
from relay.luminate.seen import Seen, read_amount, read_last4, read_moment, read_tender, within

if TYPE_CHECKING:
    from relay.luminate.soap_wire import SoapService

# No more than 200 records at a time (http://open.convio.com/webservices/apidoc/concepts/pagination.html), so a page
# of this size is never cut, and a shorter one is the last.
PAGE_SIZE = 200
MAX_PAGES = 20
# Waits for another session of this account to end.
PATIENCE = (1.0, 3.0, 6.0)
# The day a payment is booked under may be all that PaymentDate tells, and then it lies before the moment of the call.
_MARGIN = timedelta(days=1)
_CENT = Decimal("0.01")

# http://open.convio.com/webservices/apidoc/reference/types/donation.html and payment.html
FIELDS = (
    "TransactionId", "FormId",
    "Payment.Amount", "Payment.PaymentDate", "Payment.CreationDate", "Payment.CreationMethod", "Payment.TenderType",
    "Payment.CreditCardNumber", "Payment.ConvioConfirmationCode",
    "Payment.BillingName.FirstName", "Payment.BillingName.LastName",
    "Donor.PrimaryEmail", "InteractionSource.SubCodeText",
)  # fmt: skip

# What a fault is called, as its code (SESSION) or in its detail (SessionFault), left; the reason of the refusal right.
# http://open.convio.com/webservices/apidoc/concepts/error_reporting.html and .../reference/faults/
_FAULTS = {
    "session": "session_lost",
    "login": "not_permitted",
    "synchronization": "session_in_use",
    "sessionlimit": "session_in_use",
}
_IN_USE = re.compile(r"active synchronization session", re.IGNORECASE)
_WORDS = {
    "session_lost": "Luminate's web services ended the session.",
    "not_permitted": "Luminate's web services do not accept the account: wrong login, or a missing permission.",
    "session_in_use": "Another session of the same account is open in Luminate's web services.",
    "refused": "Luminate's web services refused the look-up.",
}


class SoapReader:
    """The read-back of one site over SOAP; ``settings`` must have its three ``soap_`` values.

    The description and the session are fetched when first needed and kept. Threads may use it side by side. Everything
    raises NotSent, MaybeSent and ReadRefused, and may be repeated at will.
    """

    def __init__(self, settings: LuminateSettings, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._settings = settings
        self._sleep = sleep
        self._lock = threading.Lock()
        self._service: SoapService | None = None
        self._session_id = ""

    def seen(self, *, begin: datetime, end: datetime, amount: Decimal | None, form_id: str = "") -> tuple[Seen, ...]:
        """Every gift created from ``begin`` to ``end`` (aware), of this amount and form where they are given."""
        text = query_text(begin, end, amount, form_id)
        rows = within(complete(lambda: self._pages(text)), begin, end)
        return tuple(row for row in rows if amount is None or row.amount == amount)

    def enter(self) -> None:
        """Log in anew: proves the address and the account."""
        self._forget(self._session_id)
        self._session()

    def look(self) -> None:
        """Ask for the gifts of the last minute: proves that the account may, and every field we ask for."""
        now = datetime.now(UTC)
        for _ in self._page(query_text(now - timedelta(minutes=1), now, None, ""), 1):
            pass

    def close(self) -> None:
        """Close the idle connections."""
        if self._service:
            self._service.close()

    def _pages(self, text: str) -> Iterator[list[Seen]]:
        for number in range(1, MAX_PAGES + 1):
            page = self._page(text, number)
            yield page
            if len(page) < PAGE_SIZE:
                return
        raise ReadRefused("too_many_rows", f"Luminate shows more than {MAX_PAGES * PAGE_SIZE:,} gifts in the window.")

    def _page(self, text: str, number: int) -> list[Seen]:
        return [_seen(record) for record in _records(self._patiently(text, number))]

    def _patiently(self, text: str, number: int) -> Any:
        """The answer to one page, after a wait where another session of the account is in the way."""
        for wait in PATIENCE:
            try:
                return self._in_session(text, number)
            except ReadRefused as refused:
                if refused.reason != "session_in_use":
                    raise
                self._sleep(wait)
        return self._in_session(text, number)

    def _in_session(self, text: str, number: int) -> Any:
        """The answer to one page, after one new login where the session has ended (30 idle minutes end it)."""
        session = self._session()
        try:
            return self._query(session, text, number)
        except ReadRefused as refused:
            if refused.reason != "session_lost":
                raise
            self._forget(session)
            return self._query(self._session(), text, number)

    def _query(self, session: str, text: str, number: int) -> Any:
        return _response(self._wire().query(session, text, page=number, page_size=PAGE_SIZE), "QueryResponse")

    def _session(self) -> str:
        """The id of the session, after a login where there is none."""
        service = self._wire()
        with self._lock:
            if not self._session_id:
                site = self._settings
                self._session_id = _session_id(
                    _response(service.login(site.soap_user, site.soap_password), "LoginResponse")
                )
            return self._session_id

    def _forget(self, session: str) -> None:
        """Log in again next time, unless another thread has done so."""
        with self._lock:
            if self._session_id == session:
                self._session_id = ""

    def _wire(self) -> SoapService:
        with self._lock:
            if self._service is None:
                from relay.luminate.soap_wire import SoapService  # noqa: PLC0415 - zeep only where SOAP is used

                self._service = SoapService(self._settings)
            return self._service


def query_text(begin: datetime, end: datetime, amount: Decimal | None, form_id: str) -> str:
    """The query: only fields that public code has in a where clause, only numbers and times that we write ourselves.

    The amount is asked for with a cent around it and compared exactly afterwards: how Luminate compares is not told.
    """
    where = [f"Payment.PaymentDate >= {_zulu(begin - _MARGIN)}", f"Payment.PaymentDate <= {_zulu(end + _MARGIN)}"]
    if amount is not None:
        low, high = max(amount - _CENT, Decimal(0)), amount + _CENT
        where += [f"Payment.Amount >= {low:f}", f"Payment.Amount <= {high:f}"]
    if form_id:
        if not (form_id.isascii() and form_id.isdigit()):
            raise ReadRefused("unreadable", "The form of the gift is not a number.")
        where.append(f"FormId = {form_id}")
    return f"select {', '.join(FIELDS)} from Donation where {' and '.join(where)}"  # noqa: S608  # nosec B608  # only ours


def _zulu(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- the answer ---------------------------------------------------------------------------------------------------


def _response(answer: Answer, name: str) -> Any:
    """What stands in the body's element of this name, "" when it is empty. A fault may come with HTTP 200 or 500."""
    text = decode(answer.body)
    if not text or is_page(text):
        raise ReadRefused("unreadable", f"Luminate's web services answered with no envelope (HTTP {answer.status}).")
    try:
        body = _part(_part(parse(text), "Envelope"), "Body")
    except NotADocument:
        raise ReadRefused("unreadable", "The answer of Luminate's web services could not be read.") from None
    if "Fault" in body:
        raise _refused(_part(body, "Fault"))
    if name not in body or answer.status != 200:
        raise ReadRefused("unreadable", f"Luminate's web services answered something else (HTTP {answer.status}).")
    return body[name]


def _refused(fault: Mapping[str, Any]) -> ReadRefused:
    """A fault by its code, by the name of its detail, or by the one text that has a meaning for us."""
    words = _leaf(fault, "faultstring")
    names = [_leaf(fault, "faultcode").rpartition(":")[2], *_part(fault, "detail")]
    known = (_FAULTS.get(name.lower().replace("_", "").removesuffix("fault")) for name in names)
    reason = "session_in_use" if _IN_USE.search(words) else next(filter(None, known), "refused")
    return ReadRefused(reason, _WORDS[reason], luminate_says=words)


def _session_id(response: object) -> str:
    found = _find(response, "SessionId")
    if not isinstance(found, str) or not found:
        raise ReadRefused("unreadable", "Luminate's web services logged relay in without a session.")
    return found


def _records(response: object) -> list[Any]:
    """The records of a page. A lone one is a list too; an answer that is neither empty nor has any proves nothing."""
    found = _find(response, "Record")
    if found is None and _is_empty(response):
        return []
    if found is None:
        raise ReadRefused("unreadable", "Luminate's web services answered with something else than records.")
    return found if isinstance(found, list) else [found]


def _find(value: object, name: str) -> Any:
    """What stands under this name, the least deep first."""
    level = [value]
    while level:
        parts = [one for one in level if isinstance(one, dict)]
        for part in parts:
            if name in part:
                return part[name]
        level = [inner for part in parts for inner in part.values()]
    return None


def _is_empty(value: object) -> bool:
    return all(map(_is_empty, value.values())) if isinstance(value, dict) else value == ""


def _seen(record: object) -> Seen:
    """One Donation. Its moment is the creation of the record: PaymentDate may tell the day only."""
    if not isinstance(record, Mapping) or not _leaf(record, "TransactionId"):
        raise ReadRefused("unreadable", "Luminate's web services show a gift without a transaction id.")
    payment = _part(record, "Payment")
    name = _part(payment, "BillingName")
    return Seen(
        kind="DONATION",
        confirmation_code=_leaf(payment, "ConvioConfirmationCode"),
        amount=read_amount(_leaf(payment, "Amount")),
        at=read_moment(_leaf(payment, "CreationDate")),
        tender=read_tender(_leaf(payment, "TenderType")),
        last4=read_last4(_leaf(payment, "CreditCardNumber")),
        transaction_id=_leaf(record, "TransactionId"),
        email=_leaf(_part(record, "Donor"), "PrimaryEmail"),
        form_id=_leaf(record, "FormId"),
        sub_source=_leaf(_part(record, "InteractionSource"), "SubCodeText"),
        creation_method=_leaf(payment, "CreationMethod"),
        by_form=True,
        billing_name=" ".join(filter(None, (_leaf(name, "FirstName"), _leaf(name, "LastName")))),
    )


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    return value if isinstance(value, Mapping) else {}


def _leaf(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""
