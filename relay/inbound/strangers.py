"""Whoever keeps sending webhooks with a wrong signature: counted in this process, so that they cost little.

Every webhook is verified, whatever came from its address before. Behind one address there may be a processor and an
attacker (a shared router, a proxy that nobody configured), and a genuine gift is never refused for what others sent
wrongly. What ends at the limit is the line in the log for each, and the answer becomes 429. Why not more:
docs/adr/0024-limits-at-the-front-door.md.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

# Wrong ones in a window from one source to one provider of one organization, in each process.
LIMIT, WINDOW_SECONDS = 20, 60.0
# Sources that are told apart in a window; whoever comes after so many others is at the limit already.
MOST_SOURCES = 10_000


@dataclass(frozen=True, slots=True)
class Wrong:
    """One more wrong signature: how many in this window, and for how many seconds it lasts."""

    count: int
    seconds: int

    @property
    def is_first_too_many(self) -> bool:
        """Worth a line in the log, the last one of this window."""
        return self.count == LIMIT + 1

    @property
    def is_too_many(self) -> bool:
        """Worth none any more."""
        return self.count > LIMIT


class Strangers:
    """Wrong signatures by source, forgotten with each window; right ones cost nothing here."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Nobody was wrong; ``clock`` counts seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._until = 0.0
        self._counts: dict[tuple[str, str, str], int] = {}

    def wrong(self, address: str, organization: str, provider: str) -> Wrong:
        """Count one."""
        who = (source_of(address), organization, provider)
        with self._lock:
            now = self._clock()
            if now >= self._until:
                self._counts, self._until = {}, now + WINDOW_SECONDS
            if who not in self._counts and len(self._counts) >= MOST_SOURCES:
                return Wrong(LIMIT + 2, _whole(self._until - now))
            self._counts[who] = self._counts.get(who, 0) + 1
            return Wrong(self._counts[who], _whole(self._until - now))


def source_of(address: str) -> str:
    """Who counts as one sender: an address, of IPv6 the /64 that one household or server has."""
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if not isinstance(known, IPv6Address):
        return str(known)
    return str(known.ipv4_mapped or IPv6Address(int(known) >> 64 << 64))


def _whole(seconds: float) -> int:
    return int(seconds) + 1
