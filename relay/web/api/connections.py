"""Connections: how it stands with Luminate, the processors and the alert webhooks of one organization."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from relay.doctor.board import Card, State
from relay.web.api.operations import Call, operation


def _moment(about: str) -> fields.DateTime:
    return fields.DateTime(required=True, allow_none=True, metadata={"description": about})


class Finding(Schema):
    """One line of the doctor's."""

    name = fields.String(required=True)
    level = fields.String(required=True, metadata={"enum": ["ok", "warning", "failed"]})
    text = fields.String(required=True)
    what_to_do = fields.String(required=True)


class Connection(Schema):
    """One connection. What was found with other credentials than those in force is not told."""

    endpoint = fields.String(required=True, metadata={"description": "luminate, soap, alert webhooks, from PROVIDER."})
    state = fields.String(required=True, metadata={"enum": [str(state) for state in State]})
    checked_at = _moment("When a worker last checked it; empty: never, or it is looked at whenever it is asked for.")
    worked_at = _moment("When a check last found that it works.")
    last_at = _moment("When it last did what it is for: recorded a gift, brought an event, took an alert.")
    changed_at = _moment("Since when other credentials than before are in force, if ever they were others.")
    proven_at = _moment("When the credentials in force first worked.")
    checks = fields.List(fields.Nested(Finding), required=True)


class ConnectionList(Schema):
    """Every connection of the token's organization."""

    items = fields.List(fields.Nested(Connection), required=True)


@operation("get", "/connections", answer=ConnectionList)
def list_connections(call: Call) -> dict[str, Any]:
    """How it stands with every connection, and what to do where it does not work. Nothing is called for it."""
    return {"items": [_told(card) for card in call.relay.board.group(call.actor, call.organization).cards]}


def _told(card: Card) -> dict[str, Any]:
    names = ("endpoint", "checked_at", "worked_at", "last_at", "changed_at", "proven_at")
    told = {name: getattr(card, name) for name in names}
    checks = [{name: str(getattr(check, name)) for name in Finding().fields} for check in card.checks]
    return told | {"state": str(card.state), "checks": checks}
