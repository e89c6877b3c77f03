"""Entries and what is done to them: look, correct, close, reopen, resolve."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema
from sqlalchemy import Connection, Row

from relay.access import Permission
from relay.ledger import audit, entries, pages, search
from relay.ledger.entries import Entry
from relay.ledger.lines import Line
from relay.ledger.search import Story
from relay.status import Kind
from relay.web.api import cursors, problems, schemas
from relay.web.api.fields import MOST_ON_A_PAGE, Page, Reason, Strict, Whole, Words, YesNo
from relay.web.api.operations import Call, operation

# Of one entry: more is no correction but another gift.
MOST_CHANGES = 60


class EntryQuery(Page):
    """A search in the language of the console's search box."""

    about = (
        "`field:value`, joined by AND, as in the console's search box: `status:held fund:GALA`. Addresses are logged "
        "on their way: a donor's name or e-mail address belongs into the body of `/entries/search`."
    )
    q = Words(load_default="", longest=600, metadata={"description": about})


class EntrySearch(Strict):
    """The same search in a body, where no log on the way sees it."""

    q = Words(required=True, longest=600, metadata={"description": "Words and `field:value`, joined by AND."})
    cursor = Words(load_default="", longest=300, metadata={"description": "The `next` of the page before."})
    limit = Whole(least=1, most=MOST_ON_A_PAGE, load_default=50)


class Correction(Strict):
    """What Luminate shall be told instead; an empty value takes an earlier correction back."""

    changes = fields.Dict(
        keys=Words(least=1, longest=100),
        values=Words(longest=1000),
        required=True,
        validate=validate.Length(1, MOST_CHANGES),
        metadata={"description": "Luminate's parameters by name, or `fund`. Never the amount.", "minProperties": 1},
    )
    reason = Reason()


class Because(Strict):
    """Why."""

    reason = Reason()


class Resolution(Strict):
    """What was found in Luminate: either it is there, under this code, or it surely is not."""

    found = Words(least=1, longest=100, metadata={"description": "The confirmation code it has in Luminate."})
    absent = YesNo(metadata={"description": "Somebody looked, and it surely is not there: it is sent again."})
    attempt = Whole(
        least=0,
        most=2**31 - 1,
        metadata={"description": "With absent: the newest attempt that somebody looked for; 0: there is none."},
    )
    reason = Reason()

    @validates_schema
    def _one(self, data: Mapping[str, Any], **_kwargs: Any) -> None:
        if bool(data.get("found", "").strip()) == bool(data.get("absent")):
            raise ValidationError("say either found with a code, or absent: true")
        if bool(data.get("absent")) != ("attempt" in data):
            raise ValidationError("say with absent, and only there, which attempt you looked for")


class GiftCode(Strict):
    """The confirmation code that the gift of a refund has in Luminate."""

    code = Words(required=True, least=1, longest=100, metadata={"description": "The confirmation code of the gift."})
    worth = Words(
        load_default="", longest=30, metadata={"description": "What the gift is in Luminate, if it is not shown."}
    )
    seen = YesNo(
        load_default=False, metadata={"description": "A person has seen this code there, if relay cannot check it."}
    )
    reason = Reason()


@operation("get", "/entries", query=EntryQuery, answer=schemas.EntryPage)
def list_entries(call: Call) -> dict[str, Any]:
    """Find gifts, refunds and reinstatements, newest first."""
    return _found(call, call.query)


@operation("post", "/entries/search", body=EntrySearch, answer=schemas.EntryPage)
def search_entries(call: Call) -> dict[str, Any]:
    """Find entries by what may not stand in an address: a donor's name or e-mail address."""
    return _found(call, call.body)


def _found(call: Call, asked: Mapping[str, Any]) -> dict[str, Any]:
    before = cursors.read("entries", asked["cursor"], asked["q"])
    wanted = call.relay.searching.wanted(call.actor, asked["q"], call.organization)
    with call.relay.database.read() as tx:
        found = pages.entries_before(tx, wanted, before, asked["limit"] + 1)
    shown = [line_fields(line) for line in found[: asked["limit"]]]
    more = len(found) > len(shown)
    return {"items": shown, "next": cursors.made("entries", shown[-1]["id"], asked["q"]) if more else None}


@operation("get", "/entries/{number}", answer=schemas.EntryStory)
def show_entry(call: Call, number: int) -> dict[str, Any]:
    """The whole story of one entry. That it was read stands in the audit."""
    opened = call.relay.searching.open(call.actor, number)
    return story_fields(opened.story)


@operation("get", "/entries/{number}/attempts", answer=schemas.Attempts)
def list_attempts(call: Call, number: int) -> dict[str, Any]:
    """Every call to Luminate for one entry, oldest first, with what Luminate said."""
    return {"items": story_fields(_seen(call, number))["attempts"]}


@operation("get", "/entries/{number}/corrections", answer=schemas.Changes)
def list_corrections(call: Call, number: int) -> dict[str, Any]:
    """Everything that was done to one entry, oldest first."""
    return {"items": story_fields(_seen(call, number))["corrections"]}


@operation("post", "/entries/{number}/corrections", scope=Permission.ACT, body=Correction, answer=schemas.Standing)
def correct_entry(call: Call, number: int) -> dict[str, Any]:
    """Change what Luminate is told about an unsent gift, and try it again.

    Above an amount that the organization chooses it is only proposed, and a second person agrees in the console.
    """
    _own(call, number)
    body = call.body
    done = call.relay.correcting.correct(number, body["changes"], actor=call.actor, reason=body["reason"])
    return _standing(call, number, proposal=done.proposal)


@operation("post", "/entries/{number}/close", scope=Permission.ACT, body=Because, answer=schemas.Standing)
def close_entry(call: Call, number: int) -> dict[str, Any]:
    """End an entry that shall not be sent; refunds that wait for it end too, or are held if it may be there."""
    _own(call, number)
    _, *others = call.relay.deciding.close(number, actor=call.actor, reason=call.body["reason"])
    return _standing(call, number, released=others)


@operation("post", "/entries/{number}/reopen", scope=Permission.ACT, body=Because, answer=schemas.Standing)
def reopen_entry(call: Call, number: int) -> dict[str, Any]:
    """Take the end of an entry back: it is held until somebody replays it."""
    _own(call, number)
    call.relay.deciding.reopen(number, actor=call.actor, reason=call.body["reason"])
    return _standing(call, number)


@operation("post", "/entries/{number}/resolve", scope=Permission.ACT, body=Resolution, answer=schemas.Standing)
def resolve_entry(call: Call, number: int) -> dict[str, Any]:
    """Say what became of an unknown entry: it is in Luminate, or surely not."""
    _own(call, number)
    deciding, by = call.relay.deciding, {"actor": call.actor, "reason": call.body["reason"]}
    if code := call.body.get("found", "").strip():
        return _standing(call, number, released=deciding.found(number, code, **by))
    deciding.absent(number, attempt=call.body["attempt"], **by)
    return _standing(call, number)


@operation("post", "/entries/{number}/gift-code", scope=Permission.ACT, body=GiftCode, answer=schemas.Standing)
def supply_gift_code(call: Call, number: int) -> dict[str, Any]:
    """Tell the code of a refund's gift, where relay never saw it or may not refund it: then the refund goes."""
    _own(call, number)
    told = {name: call.body[name] for name in ("worth", "seen", "reason")}
    call.relay.supplying.supply(number, call.body["code"], actor=call.actor, **told)
    return _standing(call, number)


# --- what is told -------------------------------------------------------------------------------------------------


def line_fields(line: Line | Entry) -> dict[str, Any]:
    """An entry of a list."""
    plain = (name for name in schemas.Entry().fields if name not in {"amount", "currency"})
    return {name: getattr(line, name) for name in plain} | {
        "amount": line.amount.text,
        "currency": line.amount.currency,
    }


def story_fields(story: Story) -> dict[str, Any]:
    """An entry with all that is known of it."""
    entry = story.entry
    return line_fields(entry) | {
        "parameters": dict(entry.parameters),
        "corrected": dict(entry.overrides),
        "gift": story.gift.id if story.gift and entry.kind is not Kind.GIFT else None,
        "refunds": [other.id for other in story.refunds],
        "events": [row.id for row in story.events],
        "attempts": [_attempt(row) for row in story.attempts],
        "corrections": _rows(story.corrections, schemas.Change().fields),
    }


def _attempt(row: Row[Any]) -> dict[str, Any]:
    return {name: row.fence if name == "number" else getattr(row, name) for name in schemas.Attempt().fields}


def _rows(rows: Sequence[Row[Any]], names: Iterable[str]) -> list[dict[str, Any]]:
    known = tuple(names)
    return [{name: getattr(row, name) for name in known} for row in rows]


def _own(call: Call, number: int) -> Entry:
    """The entry, if it is the token's organization's; another's looks like one that is not there."""
    with call.relay.database.read() as tx:
        return _of(tx, call, number)


def _of(tx: Connection, call: Call, number: int) -> Entry:
    entry = entries.get(tx, number)
    if entry is None or entry.organization != call.organization:
        raise problems.missing(f"entry {number}")
    return entry


def _seen(call: Call, number: int) -> Story:
    """Its story; that it was read is written down."""
    with call.relay.database.read() as tx:
        story = search.story(tx, _of(tx, call, number))
    with call.relay.database.write() as tx:
        audit.record(tx, call.actor, "see", organization=call.organization, subject=f"entry {number}")
    return story


def _standing(call: Call, number: int, *, proposal: int | None = None, released: Sequence[int] = ()) -> dict[str, Any]:
    call.relay.bell.ring(call.organization)
    status = _own(call, number).status
    return {"id": number, "status": status, "proposal": proposal, "released": list(released)}
