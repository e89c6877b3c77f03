"""Where else an erased donor may be named: events that led to nothing, texts that belong to no gift, the audit.

The audit is only told about: it is one chain of hashes, and nothing in it is ever changed.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

import orjson
from sqlalchemy import Connection, Table, select, update

from relay.ledger import audit
from relay.ledger.alert_tables import alert_messages, alerts
from relay.ledger.audit import Wanted
from relay.ledger.work_tables import api_answers, cause_notes, fund_versions, plans, tokens

WORDS = "(erased)"
ANSWER = b'{"erased":true}'
# Texts of an organization that people typed, or that were made of what they typed.
_TYPED: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (plans, ("search", "reason")),
    (cause_notes, ("note",)),
    (fund_versions, ("reason",)),
    (alerts, ("headline",)),
)
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]{40,}={0,2}", re.ASCII)
_ESCAPED = re.compile(r"\\[nrt]")


class Address:
    """An e-mail address, however a sender writes it down: plain, escaped, as a form, as XML, or in base64."""

    def __init__(self, email: str) -> None:
        """Take the address."""
        whole = re.escape(email.strip().casefold())
        self._pattern = re.compile(rf"(?<![a-z0-9._%+-]){whole}(?!\.?[a-z0-9-])")

    def stands_in(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether an event holds it."""
        text = " ".join([body.decode("utf-8", "replace"), *headers.values()])
        return any(self._pattern.search(form.casefold()) for form in _forms(text))


def _forms(text: str) -> Iterator[str]:
    plain = unquote_plus(text)
    yield from (text, plain, html.unescape(text))
    yield _ESCAPED.sub(" ", text.replace("\\u0040", "@"))
    for run in _BASE64.findall(plain):
        yield html.unescape(_decoded("".join(run.split())))


def _decoded(run: str) -> str:
    bare = run.rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4)).decode("utf-8", "replace")
    except binascii.Error:
        return ""


def audit_lines(tx: Connection, organization: str, words: Collection[str]) -> Iterator[int]:
    """The lines of the audit that name them, of this organization and of none."""
    for line in audit.lines(tx, Wanted(organizations=(organization, ""))):
        if _names(f"{line.subject} {orjson.dumps(dict(line.details)).decode()}", words):
            yield line.id


def blot(tx: Connection, organization: str, words: Collection[str]) -> None:
    """Erase every text of the organization that names them and belongs to none of their gifts."""
    for table, names in _TYPED:
        for row in tx.execute(select(table).where(table.c.organization == organization)).mappings().all():
            _rewrite(tx, table, row, {name: WORDS for name in names if _names(row[name], words)})
    mine = select(alerts.c.id).where(alerts.c.organization == organization)
    for row in tx.execute(select(alert_messages).where(alert_messages.c.alert_id.in_(mine))).mappings().all():
        if _names(f"{row['subject']} {row['text']} {orjson.dumps(row['facts']).decode()}", words):
            _rewrite(tx, alert_messages, row, {"subject": WORDS, "text": WORDS, "facts": {}})
    ours = select(tokens.c.id).where(tokens.c.organization == organization)
    for row in tx.execute(select(api_answers).where(api_answers.c.token_id.in_(ours))).mappings().all():
        if _names((row["body"] or b"").decode("utf-8", "replace"), words):
            _rewrite(tx, api_answers, row, {"body": ANSWER})


def _rewrite(tx: Connection, table: Table, row: Mapping[Any, Any], values: Mapping[str, Any]) -> None:
    if not values:
        return
    chosen = update(table)
    for column in table.primary_key.columns:
        chosen = chosen.where(column == row[column.name])
    tx.execute(chosen.values(dict(values)))


def _names(text: str, words: Collection[str]) -> bool:
    small = text.casefold()
    return any(word in small for word in words)
