"""Correction: a named person changes what Luminate is told about an unsent gift, and it is tried again."""

from __future__ import annotations

from collections.abc import Mapping

from relay.access import Actor
from relay.acting import Acting
from relay.errors import ReplayRefused
from relay.luminate.rules import is_locked
from relay.remapping import remap
from relay.status import REPLAYABLE, Kind, Status


class Correcting(Acting):
    """The use case behind ``flask correct``."""

    def correct(self, entry_id: int, changes: Mapping[str, str], *, actor: Actor, reason: str) -> Status:
        """Change parameters of an unsent gift by hand and try it again. Amount and credentials are locked.

        An empty value takes an earlier correction back. Raises ReplayRefused.
        """
        locked = sorted(name for name in changes if is_locked(name))
        if locked:
            raise ReplayRefused(f"{', '.join(locked)} cannot be corrected")
        with self.act(actor, "correct", entry_id, reason) as act:
            entry = act.entry
            if entry.kind is Kind.REFUND or entry.status not in REPLAYABLE | {Status.QUEUED}:
                raise ReplayRefused(f"entry {entry_id} is {entry.status}: only an unsent gift can be corrected")
            act.told["changed"] = sorted(changes)
            merged = {name: value for name, value in {**entry.overrides, **changes}.items() if value}
            return remap(act, {"overrides": merged})
