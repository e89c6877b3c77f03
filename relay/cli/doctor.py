"""``flask doctor``: what is well, what is not, and what to do."""

from __future__ import annotations

from dataclasses import asdict

from relay.cli.commands import FAILED, as_json, command, parts, say, say_json
from relay.cli.tables import plain
from relay.doctor import Check, Level, examine

_MARKS = {Level.OK: "ok", Level.WARNING: "warning", Level.FAILED: "FAILED"}


@command("doctor")
@as_json
def doctor(*, as_json: bool) -> None:
    """Look at database, Redis, configuration and every Luminate site; say what to do. Changes nothing."""
    levels = []
    for check in examine(parts().patient):
        levels.append(check.level)
        if as_json:
            say_json(asdict(check))
        else:
            _tell(check)
    if not as_json:
        say(_verdict(levels))
    if Level.FAILED in levels:
        raise SystemExit(FAILED)


def _tell(check: Check) -> None:
    say(f"{_MARKS[check.level]:<8} {check.name}: {plain(check.text)}")
    if check.what_to_do:
        say(f"{'':<8} -> {plain(check.what_to_do)}")


def _verdict(levels: list[Level]) -> str:
    warned, broken = levels.count(Level.WARNING), levels.count(Level.FAILED)
    if broken:
        return f"{broken} failed, {warned} to look at. Mend what failed first."
    return f"Nothing failed; {warned} to look at." if warned else "All is well."
