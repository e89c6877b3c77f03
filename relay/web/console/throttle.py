"""How often somebody may be wrong at the door: counted in Redis for all processes, in memory while it is away."""

from __future__ import annotations

import hashlib

import structlog
from flask import current_app
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter

log = structlog.get_logger(__name__)

MINUTES = 15
TOO_OFTEN = f"Too many wrong answers. Wait {MINUTES} minutes, or ask an admin of relay for a new password."
# Wrong answers in MINUTES. An office shares one address; nobody else has one's own account.
OF_ACCOUNT = RateLimitItemPerMinute(10, MINUTES, namespace="relay-account")
OF_ADDRESS = RateLimitItemPerMinute(50, MINUTES, namespace="relay-address")


class Throttle:
    """Counts wrong answers by account and by address; right ones cost nothing."""

    def __init__(self, redis_url: str) -> None:
        """Take the address of Redis; connects when first used."""
        url = f"redis+{redis_url}" if redis_url.startswith("unix:") else redis_url
        shared = RedisStorage(url, wrap_exceptions=True, socket_connect_timeout=1, socket_timeout=1)
        self._places: tuple[Storage, ...] = (shared, MemoryStorage())

    def is_full(self, account: str, address: str) -> bool:
        """Whether this account or this address was wrong too often to be asked now."""
        return not all(self._each("test", item, key) for item, key in _keys(account, address))

    def wrong(self, account: str, address: str) -> None:
        """Count one wrong answer."""
        for item, key in _keys(account, address):
            self._each("hit", item, key)

    def _each(self, what: str, item: RateLimitItem, key: str) -> bool:
        for place in self._places:
            try:
                return bool(getattr(FixedWindowRateLimiter(place), what)(item, key))
            except StorageError:
                log.warning("throttle_in_memory")
        return True


def throttle() -> Throttle:
    """The counter of this application."""
    found: Throttle = current_app.extensions["relay_throttle"]
    return found


def _keys(account: str, address: str) -> tuple[tuple[RateLimitItem, str], ...]:
    """Who is counted; an account as a hash, since anything may be typed there."""
    named = hashlib.sha256(account.strip().lower().encode()).hexdigest()
    return (OF_ACCOUNT, named), (OF_ADDRESS, address)
