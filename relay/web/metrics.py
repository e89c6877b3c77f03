"""``/metrics`` for Prometheus, with a token of its own; and the time an answer to a webhook took.

The times are counted in this process and put together with those of its siblings through a directory
(``PROMETHEUS_MULTIPROC_DIR``, made by gunicorn.conf.py); everything else is read from the ledger.
"""

from __future__ import annotations

import hmac
import time

from flask import Blueprint, Flask, Response, current_app, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from werkzeug.exceptions import NotFound

from relay.bootstrap import Relay
from relay.reports.meters import LedgerCollector

metrics = Blueprint("metrics", __name__)

# Counts of this process; with its siblings' they are put together in ``scrape``.
OF_THIS_PROCESS = CollectorRegistry()
ANSWERED = Histogram(
    "relay_webhook_seconds",
    "From the first byte of a webhook to its answer.",
    ["status"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
    registry=OF_THIS_PROCESS,
)
LIMITED = Counter(
    "relay_webhooks_slowed",
    "Webhooks with a wrong signature from a source that was wrong too often: answered 429, without a line in the log.",
    ["organization", "provider"],
    registry=OF_THIS_PROCESS,
)


@metrics.get("/metrics")
def scrape() -> Response:
    """Everything, for whoever holds RELAY_METRICS_TOKEN; for all others there is no such page."""
    relay: Relay = current_app.extensions["relay"]
    token, given = relay.settings.metrics_token, request.headers.get("Authorization", "")
    if not token or not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        raise NotFound
    registry = CollectorRegistry()
    registry.register(LedgerCollector(relay.database, relay.settings.organizations))
    try:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library's
        alone = b""
    except ValueError:  # no directory is shared: this process has no siblings
        alone = generate_latest(OF_THIS_PROCESS)
    return Response(generate_latest(registry) + alone, content_type=CONTENT_TYPE_LATEST)


def attach(app: Flask) -> None:
    """Measure every answer to a webhook."""
    app.register_blueprint(metrics)
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    if request.blueprint == "webhooks":
        ANSWERED.labels(f"{response.status_code // 100}xx").observe(time.perf_counter() - g.began)
    return response
