"""The commands, ``flask <command>``: one module for each subject. docs/commands.md has them for people."""

from __future__ import annotations

from flask import Flask

from relay.cli.alerts import alerts
from relay.cli.audit import audit
from relay.cli.correct import correct
from relay.cli.database import db
from relay.cli.doctor import doctor
from relay.cli.endings import by_hand, close, gift_code, note, reopen, resolve
from relay.cli.erasing import erase_donor, retention
from relay.cli.events import events
from relay.cli.funds import funds
from relay.cli.gifts import gifts
from relay.cli.pauses import pause, resume
from relay.cli.proposals import proposals
from relay.cli.recover import recover
from relay.cli.replay import replay
from relay.cli.replays import replays
from relay.cli.seal import seal
from relay.cli.show import show
from relay.cli.sweep import sweep
from relay.cli.tokens import tokens
from relay.cli.users import users
from relay.cli.work import work

COMMANDS = (
    work, db, sweep, gifts, events, show, replay, correct, close, reopen, resolve, pause, resume, recover, doctor,
    users, audit, funds, tokens, replays, proposals, by_hand, gift_code, note,
    alerts, seal, retention, erase_donor,
)  # fmt: skip


def register(app: Flask) -> None:
    """Give the application its commands."""
    for command in COMMANDS:
        app.cli.add_command(command)
