"""Reads what Luminate answered: never a guess, never an exception.

Success is the presence of a ``donation`` with a ``confirmation_code``, not the absence of an error
(http://open.convio.com/api/apidoc/reference/methods/addOfflineDonation_method.html). The content type is ignored: JSON
comes as ``text/plain``. What the reader cannot read is UNREADABLE, and then somebody has to look whether it happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from relay.luminate.client import Answer
from relay.luminate.documents import MAX_BYTES, Document, NotADocument, decode, holds, is_page, parse


class ReplyKind(StrEnum):
    """What sort of answer this is. Anything not named here is OTHER or UNREADABLE."""

    DONATION = "donation"  # with or without a confirmation code, even beside errors
    DONATION_ERRORS = "donation_errors"
    ERROR_RESPONSE = "error_response"
    REFUND = "refund"  # a root that speaks of a refund; its shape is not documented
    REDIRECT = "redirect"  # external checkout; never expected here
    OTHER = "other"  # well-formed, another root: read calls, and what nobody has met yet
    HTML = "html"
    EMPTY = "empty"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer in plain fields; "" where it does not say.

    ``amount_text`` is ``amount/decimal`` as Luminate wrote it. ``has_errors`` is true when an element
    that speaks of errors stands anywhere, even an empty one. ``data`` is the whole document, normalised: local
    names, texts for leaves, lists for what may repeat.
    """

    kind: ReplyKind
    root: str = ""
    confirmation_code: str = ""
    transaction_id: str = ""
    cons_id: str = ""
    amount_text: str = ""
    date_time: str = ""
    code: str = ""
    message: str = ""
    reason: str = ""
    page_errors: tuple[str, ...] = ()
    field_errors: tuple[str, ...] = ()
    has_errors: bool = False
    data: Mapping[str, Any] = field(default_factory=dict)


_ERRORS = frozenset({"errors", "errorResponse", "error", "pageError", "fieldError", "Fault"})
_ROOTS = ("donationResponse", "errorResponse")


def read_reply(answer: Answer) -> Reply:
    """Read one answer of Luminate, XML or JSON. Whatever the bytes are, this returns."""
    if len(answer.body) > MAX_BYTES:
        return Reply(ReplyKind.UNREADABLE)
    text = decode(answer.body)
    if not text:
        return Reply(ReplyKind.EMPTY)
    if is_page(text):
        return Reply(ReplyKind.HTML)
    try:
        document = parse(text)
    except NotADocument:
        return Reply(ReplyKind.UNREADABLE)
    return _reply(document) if document else Reply(ReplyKind.EMPTY)


def _reply(document: Document) -> Reply:
    root = _root(document)
    content = _part(document, root)
    donation, errors = _part(content, "donation"), content if root == "errorResponse" else _part(content, "errors")
    return Reply(
        kind=_kind(root, content),
        root=root,
        confirmation_code=_leaf(donation.get("confirmation_code")),
        transaction_id=_leaf(donation.get("transaction_id")),
        cons_id=_leaf(donation.get("cons_id")),
        amount_text=_leaf(_part(donation, "amount").get("decimal")),
        date_time=_leaf(donation.get("date_time")),
        code=_leaf(errors.get("code")),
        message=_words(errors.get("message")),
        reason=_words(errors.get("reason")),
        page_errors=_list(errors.get("pageError")),
        field_errors=_list(errors.get("fieldError")),
        has_errors=holds(document, _ERRORS),
        data=document,
    )


def _root(document: Document) -> str:
    """The one name at the top; JSON may have several, and then only one of the two that matter counts."""
    known = [name for name in _ROOTS if name in document]
    if len(known) == 1:
        return known[0]
    return next(iter(document)) if len(document) == 1 else ""


def _kind(root: str, content: Document) -> ReplyKind:
    if root == "errorResponse":
        return ReplyKind.ERROR_RESPONSE
    if root == "donationResponse":
        return next((kind for name, kind in _CHOICES.items() if name in content), ReplyKind.OTHER)
    return ReplyKind.REFUND if "refund" in root.lower() else ReplyKind.OTHER


# The choice inside a donationResponse (https://developer.blackbaud.com/lo-api/loapi/xmlschemadefinition/donation),
# in the order in which one beats the other should several stand there: a recorded gift is never overlooked.
_CHOICES = {
    "donation": ReplyKind.DONATION,
    "errors": ReplyKind.DONATION_ERRORS,
    "redirect": ReplyKind.REDIRECT,
}


def _part(document: Document, name: str) -> Document:
    """The nested part of this name; a list with a single part is that part, anything else is nothing."""
    value = document.get(name)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, dict) else {}


def _leaf(value: object) -> str:
    """An id or a code: one text, or nothing."""
    return value if isinstance(value, str) else ""


def _words(value: object) -> str:
    """All the texts of a part, in one line: a message may carry markup."""
    if isinstance(value, dict):
        return _words(list(value.values()))
    return " ".join(filter(None, map(_words, value))) if isinstance(value, list) else _leaf(value)


def _list(value: object) -> tuple[str, ...]:
    return tuple(filter(None, map(_words, value))) if isinstance(value, list) else ()
