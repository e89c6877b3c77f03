"""Who comes to the API: a bearer token, not too often."""

from __future__ import annotations

import time

import structlog
from flask import current_app, request
from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter

from relay.access import Actor, Permission
from relay.bootstrap import Relay
from relay.ledger.tokens import Token
from relay.web.api.problems import Refusal

log = structlog.get_logger(__name__)

# Of one token, a minute; of whoever comes without a good one, by address.
PER_MINUTE, WRONG_PER_MINUTE = 600, 60
# While Redis is away each process counts alone; how long until it is asked again (seconds).
AWAY_SECONDS = 30.0


class Pace:
    """Counts requests, in Redis for all processes, in memory while it is away."""

    def __init__(self, redis_url: str) -> None:
        """Take the address of Redis; connects when first used."""
        url = f"redis+{redis_url}" if redis_url.startswith("unix:") else redis_url
        self._shared: Storage = RedisStorage(url, wrap_exceptions=True, socket_connect_timeout=1, socket_timeout=1)
        self._own: Storage = MemoryStorage()
        self._away_until = 0.0

    def hit(self, key: str, per_minute: int) -> int:
        """Count one; gives back 0, or the seconds to wait."""
        item = RateLimitItemPerMinute(per_minute, namespace="relay-api")
        if time.monotonic() >= self._away_until:
            try:
                return _counted(self._shared, item, key)
            except StorageError:
                log.warning("api_pace_in_memory")
                self._away_until = time.monotonic() + AWAY_SECONDS
        return _counted(self._own, item, key)


def _counted(place: Storage, item: RateLimitItemPerMinute, key: str) -> int:
    window = FixedWindowRateLimiter(place)
    if window.hit(item, key):
        return 0
    return max(1, int(window.get_window_stats(item, key).reset_time - time.time()) + 1)


def parts() -> Relay:
    """The wired relay of this process."""
    relay: Relay = current_app.extensions["relay"]
    return relay


def enter(scope: Permission) -> tuple[Token, Actor]:
    """Who asks, if it may. Raises Refusal 401, 403 or 429."""
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    known = parts().tokens.whose(secret.strip()) if kind.lower() == "bearer" else None
    if known is None:
        _slow_down(f"address {request.remote_addr}", WRONG_PER_MINUTE)
        challenge = {"WWW-Authenticate": 'Bearer realm="relay"'}
        raise Refusal(401, "Send Authorization: Bearer with a token that has not ended.", headers=challenge)
    token, actor = known
    _slow_down(f"token {token.id}", PER_MINUTE)
    if not actor.may(scope, token.organization):
        detail = f"This needs a token with the scope '{scope}'."
        raise Refusal(403, detail, kind="scope")
    return token, actor


def _slow_down(key: str, per_minute: int) -> None:
    pace: Pace = current_app.extensions["relay_api_pace"]
    if wait := pace.hit(key, per_minute):
        raise Refusal(429, f"More than {per_minute} requests a minute.", headers={"Retry-After": str(wait)})
