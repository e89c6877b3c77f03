"""Reads a donor's transactions back over REST, to find out what became of a call whose answer was lost.

What getUserTransactions takes and gives: http://open.convio.com/api/apidoc/reference/methods/getUserTransactions_method.html
(the shape of a row: chluther/convio_api, fixtures). An empty result may become the proof that a gift is absent, and
then the gift is sent again. So whatever could hide a row ends in ReadRefused: a row that cannot be read, a list that
moved while it was read, more rows than we read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from relay.errors import ReadRefused
from relay.luminate.client import Answer, LuminateClient
from relay.luminate.outcomes import COMMON_CODES, UNREAD
from relay.luminate.paging import complete
from relay.luminate.replies import Reply, ReplyKind, read_reply
from relay.luminate.seen import Seen, read_amount, read_last4, read_moment, read_tender, within
from relay.status import Outcome

__all__ = ["RestReader", "Seen"]

PAGE_SIZE = 100
MAX_PAGES = 20
# The documented default size of a page. A site may cap the size that we ask for, but hardly below its own default.
_LEAST_PAGE = 25
# Luminate shows times with an offset, but does not say whether it reads one: asked for more, it cannot show too little.
_MARGIN = timedelta(days=1)
_ROOT = "getConsTransactionsResponse"  # not the method's name

# The documented transaction types begin with one of these; a row of any other type is one that we do not understand.
_TYPES = ("DONATION", "REFUND", "PLEDGE", "RECURRING_GIFT", "TICKET", "ECOMMERCE_PURCHASE", "F2F_REGISTRATION",
          "TRIBUTES_REGISTRATION", "FAILED_RECURRING_DONATION")  # fmt: skip

# Luminate's code left (relay.luminate.outcomes has their sources), the reason of the refusal right; for codes that
# are not here it is "blocked" where Luminate keeps the account out, else "refused".
_REASONS = {
    "3": "not_permitted",
    "5": "not_permitted",
    "14": "not_permitted",
    "8": "several_constituents",
    "15": "several_constituents",
    "16": "no_constituent",
    "50": "list_criteria",
}


class RestReader:
    """The read-back of one site, with the account that posts. Which permission that needs is not documented."""

    def __init__(self, client: LuminateClient) -> None:
        self._client = client

    def seen(
        self, *, email: str, cons_id: str = "", begin: datetime, end: datetime, kind: str = "DONATION"
    ) -> tuple[Seen, ...]:
        """Every transaction of this constituent from ``begin`` to ``end`` (aware), in no order.

        ``cons_id`` names the constituent where it is known, else ``email``; a constituent Luminate does not know has
        no rows. ``kind`` is DONATION or REFUND. Raises NotSent, MaybeSent and ReadRefused; it may be repeated at will.
        """
        parameters = {
            **_constituent(email, cons_id),
            "begin_date": _zulu(begin - _MARGIN),
            "end_date": _zulu(end + _MARGIN),
            "transaction_type": kind,
        }
        rows = complete(lambda: (_rows(page, kind) for page in self._pages(parameters)))
        return within(rows, begin, end)

    def _pages(self, parameters: Mapping[str, str]) -> Iterator[list[Any]]:
        """Pages by record, not by page number: a site that caps the size of a page still hides nothing."""
        offset = 0
        for _ in range(MAX_PAGES):
            page = self._page(parameters, offset)
            yield page
            offset += len(page)
            if len(page) < _LEAST_PAGE:
                return
        raise ReadRefused("too_many_rows", f"This constituent has more than {offset} transactions in the window.")

    def _page(self, parameters: Mapping[str, str], offset: int) -> list[Any]:
        paging = {"list_page_size": str(PAGE_SIZE), "list_record_offset": str(offset)}
        try:
            return _transactions(self._client.get_user_transactions(**parameters, **paging))
        except ReadRefused as refused:
            # The same criteria were accepted for the first page: this is a way to say that there are no more.
            if refused.reason == "no_constituent" or (offset and refused.reason == "list_criteria"):
                return []
            raise


def _constituent(email: str, cons_id: str) -> dict[str, str]:
    """Exactly one key: what happens when several disagree is not documented."""
    if cons_id:
        return {"cons_id": cons_id}
    if email:
        return {"primary_email": email}
    raise ReadRefused("no_email", "Neither the donor's e-mail address nor a constituent id is known.")


def _zulu(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- the answer ---------------------------------------------------------------------------------------------------


def _transactions(answer: Answer) -> list[Any]:
    """The rows of one page as they stand there. Raises ReadRefused for anything but a list of transactions."""
    reply = read_reply(answer)
    if reply.kind in (ReplyKind.ERROR_RESPONSE, ReplyKind.DONATION_ERRORS):
        raise _refused(reply)
    if reply.kind is not ReplyKind.OTHER or reply.root != _ROOT or reply.has_errors:
        words = UNREAD.get(reply.kind, UNREAD[ReplyKind.OTHER])[1]
        raise ReadRefused("unreadable", f"{words} (HTTP {answer.status})")
    if answer.status != 200:
        raise ReadRefused("unreadable", f"Luminate listed transactions, but answered HTTP {answer.status}.")
    content = reply.data[_ROOT]
    if content == "":  # no transactions: an empty element, or {}
        return []
    rows = content.get("transaction") if isinstance(content, dict) else None
    if not isinstance(rows, list):
        raise ReadRefused("unreadable", "Luminate's list of transactions has a shape that relay does not know.")
    return rows


def _refused(reply: Reply) -> ReadRefused:
    fallback = (Outcome.UNKNOWN, "", "Luminate refused the look-up with a code that relay does not know.")
    outcome, _, words = COMMON_CODES.get(reply.code, fallback)
    reason = _REASONS.get(reply.code, "blocked" if outcome is Outcome.BLOCKED else "refused")
    text = _WORDS.get(reason, words)
    return ReadRefused(reason, text, luminate_says=reply.message)


# In place of the words for a write, where those would mislead.
_WORDS = {
    "several_constituents": "More than one constituent matches, so Luminate does not list the transactions.",
    "list_criteria": "Luminate does not accept the window or the paging of the look-up.",
    "refused": "Luminate was unable to answer the look-up.",
}


def _rows(page: Iterable[object], kind: str) -> Iterator[Seen]:
    return filter(None, (_row(raw, kind) for raw in page))


def _row(raw: object, kind: str) -> Seen | None:
    """One transaction; None when it says that it is of another kind. What is missing there is "" here."""
    if not isinstance(raw, Mapping):
        raise ReadRefused("unreadable", "Luminate's list holds a transaction that cannot be read.")
    said = _leaf(raw, "transaction_type").upper() or kind
    if not said.startswith(_TYPES):
        raise ReadRefused("unreadable", "Luminate's list holds a transaction of a type that relay does not know.")
    return _seen(raw, kind) if said == kind else None


def _seen(raw: Mapping[str, Any], kind: str) -> Seen:
    return Seen(
        kind=kind,
        confirmation_code=_leaf(raw, "confirmation_code"),
        amount=read_amount(_leaf(raw, "amount", "decimal")),
        at=read_moment(_leaf(raw, "timestamp")),
        tender=read_tender(_leaf(raw, "tender_type")),
        last4=read_last4(_leaf(raw, "credit_card_number")),
        check_number=_leaf(raw, "check_number"),
        billing_name=" ".join(filter(None, (_leaf(raw, "billing_name", part) for part in ("first", "middle", "last")))),
    )


def _leaf(raw: Mapping[str, Any], *path: str) -> str:
    value: object = raw
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else ""
