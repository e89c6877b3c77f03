"""Web sessions: Luminate remembers source and sub_source for one (facts 2, M).

A client that sends its cookie back and no sub_source of its own labels a gift with another donor's sub_source. So may
it here, in order that a test can notice.
"""

import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping

KEPT = 10_000
COOKIE = re.compile(r"JSESSIONID=([0-9a-f]{32})")
REMEMBERED = ("source", "sub_source")


class Sessions:
    """The last 10,000 sessions that had something to remember."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, dict[str, str]] = OrderedDict()
        self._lock = threading.Lock()

    def meet(self, organization: str, cookie: str, params: Mapping[str, str]) -> tuple[dict[str, str], str | None]:
        """What the session remembers of earlier calls, and the Set-Cookie value of a new one (None: it has one)."""
        found = COOKIE.search(cookie)
        key = found.group(1) if found else secrets.token_hex(16)
        before = self._remember(f"{organization}/{key}", {n: params[n] for n in REMEMBERED if params.get(n)})
        return before, None if found else f"JSESSIONID={key}; Path=/; HttpOnly"

    def _remember(self, key: str, now: dict[str, str]) -> dict[str, str]:
        with self._lock:
            before = self._kept.get(key, {})
            if now:
                self._kept[key] = before | now
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return before
