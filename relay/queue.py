"""The doorbell: RQ carries "post for this organization", nothing else.

Redis is disposable. A bell that already waits is not rung twice; a bell that Redis forgot is rung again by the
sweep, because the mark of a waiting bell expires by itself.
"""

from __future__ import annotations

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue

log = structlog.get_logger(__name__)

QUEUE = "posting"
JOB = "relay.jobs.post_due"
# Longest time a lost bell stays mute (seconds).
BELL_SECONDS = 5


def connect(url: str, *, verified: bool = True) -> Redis:
    """A connection that gives up quickly: a sender is waiting, and the sweep will ring again.

    ``verified``: over rediss://, only with a certificate that a known authority signed. What stands in the address
    (``?ssl_cert_reqs=...``) wins.
    """
    trust = {"ssl_cert_reqs": "none"} if url.startswith("rediss:") and not verified else {}
    manners = {"socket_connect_timeout": 2, "socket_timeout": 5, "health_check_interval": 30}
    redis: Redis = Redis.from_url(url, **manners, **trust)
    return redis


class Bell:
    """Rings for an organization."""

    def __init__(self, redis: Redis) -> None:
        """Use this connection; nothing is sent yet."""
        self.redis = redis
        self.queue = Queue(QUEUE, connection=redis, serializer="json")

    def ring(self, organization: str) -> bool:
        """Ask a worker to post for the organization. Never raises: without Redis the sweep rings later."""
        try:
            if self.redis.set(_mark(organization), 1, nx=True, ex=BELL_SECONDS):
                self.queue.enqueue(JOB, organization, job_timeout=-1, result_ttl=0, failure_ttl=0)
                return True
        except RedisError as error:
            log.warning("bell_not_rung", organization=organization, error=type(error).__name__)
        return False

    def answered(self, organization: str) -> None:
        """A run starts: from now on a new ring is a new bell. Called before the run reads the ledger."""
        try:
            self.redis.delete(_mark(organization))
        except RedisError as error:
            log.warning("bell_mark_kept", organization=organization, error=type(error).__name__)


def _mark(organization: str) -> str:
    return f"relay:bell:{organization}"
