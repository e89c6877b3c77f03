"""One call as it is being worked on, and the log of all calls: what was recorded, and whether the answer got out."""

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from .site import Organization

KEPT = 100_000


@dataclass(frozen=True)
class Call:
    """What a method needs to know of its call. `now` is aware UTC; `session` is what its cookie brought back."""

    organization: Organization
    servlet: str
    params: Mapping[str, str]
    address: str
    now: datetime
    log: "CallLine"
    session: Mapping[str, str]

    def get(self, name: str) -> str:
        """The parameter without surrounding blanks, or an empty text."""
        return self.params.get(name, "").strip()

    def switch(self, name: str) -> str:
        return self.organization.switches[name]


@dataclass
class CallLine:
    """One line of the log. `recorded`: a gift or a refund came of it. `answered`: the true answer was handed to the
    network in full while the caller was still connected. `error`: the code of the refusal.
    """

    n: int
    organization: str
    method: str
    sub_source: str
    refund_user_confirm_code: str
    at: str
    recorded: bool = False
    fault: str | None = None
    answered: bool = False
    transaction_id: str | None = None
    confirmation_code: str | None = None
    error: int | None = None


class CallLog:
    """The last 100,000 calls in the order of arrival; `total` per organization counts all of them."""

    def __init__(self) -> None:
        self._lines: deque[CallLine] = deque(maxlen=KEPT)
        self._next = 1
        self._lock = threading.Lock()

    def begin(self, organization: Organization, params: Mapping[str, str], at: datetime) -> CallLine:
        """A line for a call that has arrived in full. It is visible at once, not yet answered."""
        with self._lock:
            line = CallLine(
                self._next, organization.name, params.get("method", ""), params.get("sub_source", ""),
                params.get("refund_user_confirm_code", ""), at.isoformat())  # fmt: skip
            self._next += 1
            self._lines.append(line)
            organization.counts["calls"] += 1
        return line

    def restore(self, line: CallLine) -> None:
        with self._lock:
            self._lines.append(line)
            self._next = max(self._next, line.n + 1)

    def forget(self, organization: str | None) -> None:
        """Drops the lines of one organization, or all."""
        with self._lock:
            kept = [line for line in self._lines if organization not in (None, line.organization)]
            self._lines = deque(kept, maxlen=KEPT)

    def listed(self, organization: str | None = None) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(line) for line in self._lines if organization in (None, line.organization)]
