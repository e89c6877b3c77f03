"""The fund map: as it counts, tried, changed; and the balance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from marshmallow import fields

from relay.access import Permission
from relay.config import Fund
from relay.config.funds import as_told
from relay.ledger import search
from relay.money import Money, sums
from relay.office.funding import Row
from relay.office.trying import Trial, Tried
from relay.web.api import schemas
from relay.web.api.fields import Reason, Strict, Whole, Words, YesNo
from relay.web.api.operations import Call, operation

LONGEST_CODE = 200


class FundWanted(Strict):
    """Where the money goes: a designee or a write-in, and another form with its level; or nothing of it."""

    designee_id = Whole(least=1, most=10**17)
    write_in = Words(least=1, longest=255)
    form_id = Whole(least=1, most=10**17)
    level_id = Whole(least=1, most=10**17)


class Edit(Strict):
    """A code and where its money shall go; a fund of null takes an edit back, and the file counts again."""

    code = Words(required=True, least=1, longest=LONGEST_CODE)
    fund = fields.Nested(FundWanted, required=True, allow_none=True)


class SavedEdit(Edit):
    """The same edit, with the mark of the trial that showed what it does."""

    seen = Words(required=True, least=1, longest=100, metadata={"description": "`seen` of the dry run."})
    reason = Reason()
    mail = YesNo(load_default=False, metadata={"description": "Whether Luminate may mail the donors let go."})


class HistoryQuery(Strict):
    """Of which code."""

    code = Words(load_default="", longest=LONGEST_CODE)


@operation("get", "/funds", answer=schemas.FundMap)
def list_funds(call: Call) -> dict[str, Any]:
    """The fund map as it counts now: edits made here win over the file."""
    rows = call.relay.funding.rows(call.organization, actor=call.actor)
    return {"items": [_row(row) for row in rows]}


@operation("get", "/funds/history", query=HistoryQuery, answer=schemas.FundVersions)
def list_fund_versions(call: Call) -> dict[str, Any]:
    """Every version of one code, or of all, newest first."""
    found = call.relay.funding.history(call.organization, call.query["code"], actor=call.actor, limit=1000)
    plain = ("code", "who", "at", "reason")
    return {
        "items": [
            {name: getattr(one, name) for name in plain} | {"version": one.id, "fund": _told(one.fund)} for one in found
        ]
    }


@operation("post", "/funds/dry-run", scope=Permission.MAP, body=Edit, answer=schemas.FundTrial)
def try_fund(call: Call) -> dict[str, Any]:
    """What an edit would do to every unsent gift of the code. Nothing is changed."""
    trial = call.relay.funding.trial(call.organization, call.body["code"], call.body["fund"], actor=call.actor)
    return _trial(trial)


@operation("put", "/funds", scope=Permission.MAP, body=SavedEdit, answer=schemas.FundSaved)
def save_fund(call: Call) -> dict[str, Any]:
    """Let an edit count, and let exactly the gifts go that its dry run showed."""
    body = call.body
    told = {name: body[name] for name in ("seen", "reason", "mail")}
    saved = call.relay.funding.save(call.organization, body["code"], body["fund"], actor=call.actor, **told)
    call.relay.bell.ring(call.organization)
    return {name: getattr(saved, name) for name in ("version", "plan", "released", "mapped_again")}


@operation("get", "/balance", answer=schemas.BalanceSheet)
def show_balance(call: Call) -> dict[str, Any]:
    """Money received = posted + on its way + needs a person + closed, to the cent, by kind and currency."""
    with call.relay.database.read() as tx:
        found = search.balance(tx, call.organization)
    parts = ("received", "posted", "on_its_way", "needs_a_person", "closed")
    items = [
        {"kind": kind, "currency": currency, "holds": sheet.holds, "counts": dict(sheet.counts)}
        | {name: getattr(sheet, name).text for name in parts}
        for (_, kind, currency), sheet in sorted(found.items())
    ]
    return {"organization": call.organization, "items": items}


def _told(fund: Fund | None) -> Mapping[str, Any] | None:
    return None if fund is None else as_told(fund)


def _amounts(amounts: Iterable[Money]) -> list[dict[str, str]]:
    return [{"amount": amount.text, "currency": amount.currency} for amount in amounts]


def _row(row: Row) -> dict[str, Any]:
    version = row.version if row.is_edited else None
    return {
        "code": row.code,
        "fund": _told(row.fund),
        "in_file": _told(row.in_file),
        "edited_here": row.is_edited,
        "edited_by": version.who if version else "",
        "edited_at": version.at if version else None,
        "is_default": row.is_default,
        "waiting": row.gifts,
        "amounts": _amounts(row.amounts),
    }


def _trial(trial: Trial) -> dict[str, Any]:
    groups = {name: [_tried(one) for one in getattr(trial, name)] for name in ("goes", "stays", "in_line")}
    return groups | {
        "code": trial.edit.code,
        "before": _told(trial.before),
        "after": _told(trial.after),
        "more": trial.more,
        "sums": _amounts(sums(one.entry.amount for one in trial.goes)),
        "seen": trial.seen,
    }


def _tried(one: Tried) -> dict[str, Any]:
    entry = one.entry
    (amount,) = _amounts([entry.amount])
    told = {"entry": entry.id, "status": one.status, "why": one.why, "amount": amount}
    return told | {"before": dict(entry.parameters), "after": dict(one.parameters)}
