"""The metrics of the ledger for Prometheus: how much stands where, how old it is, how long things take.

Read anew at each scrape, so that every process tells the same and a restart forgets nothing. Labels are organization,
provider, kind, status, currency and reason: never anything of a donor.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Connection

from relay.config import Organization
from relay.errors import LedgerUnavailable
from relay.ledger import figures, meters, pauses
from relay.ledger.db import Database
from relay.ledger.meters import Took

# What the quantiles speak of: the calls and gifts of the last hour.
LATELY = timedelta(hours=1)
QUANTILES = (0.5, 0.95, 1.0)


class LedgerCollector(Collector):
    """Asked by Prometheus' client at each scrape."""

    def __init__(self, database: Database, organizations: Mapping[str, Organization]) -> None:
        """Take the parts; nothing is read yet."""
        self.database, self.organizations = database, organizations

    def collect(self) -> Iterator[Metric]:
        """Every metric of the ledger; without the ledger only ``relay_ledger_up 0``."""
        up = GaugeMetricFamily("relay_ledger_up", "1 while the ledger answers.")
        try:
            with self.database.read() as tx:
                now, known = self.database.now(tx), tuple(self.organizations)
                found = [
                    *_stock(tx, known),
                    *_ages(tx, now),
                    *_counts(tx),
                    *_line(tx, known, now),
                    *_times(tx, known, now),
                ]
        except LedgerUnavailable:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield from found


def _stock(tx: Connection, known: tuple[str, ...]) -> Iterator[Metric]:
    labels = ["organization", "kind", "status", "currency"]
    count = GaugeMetricFamily("relay_entries", "Gifts and refunds by where they stand.", labels=labels)
    money = GaugeMetricFamily("relay_money_minor", "Their money, in minor units of the currency.", labels=labels)
    for one in figures.sums(tx, known):
        place = [one.organization, one.kind, one.status, one.amount.currency]
        count.add_metric(place, one.count)
        money.add_metric(place, one.amount.minor)
    yield from (count, money)


def _ages(tx: Connection, now: datetime) -> Iterator[Metric]:
    oldest = GaugeMetricFamily(
        "relay_oldest_seconds",
        "Age of the oldest gift or refund in a state that is no end.",
        labels=["organization", "status"],
    )
    for (organization, status), since in meters.oldest(tx).items():
        oldest.add_metric([organization, status], (now - since).total_seconds())
    yield oldest


def _counts(tx: Connection) -> Iterator[Metric]:
    events = CounterMetricFamily(
        "relay_events", "Webhooks by what they came to.", labels=["organization", "provider", "verdict"]
    )
    for (organization, provider, verdict), count in meters.events_by_verdict(tx).items():
        events.add_metric([organization, provider, verdict], count)
    refused = CounterMetricFamily(
        "relay_refused_webhooks", "Webhooks refused, by reason.", labels=["organization", "provider", "reason"]
    )
    for labels, count in meters.refused(tx).items():
        refused.add_metric(list(labels), count)
    yield from (events, refused)


def _line(tx: Connection, known: tuple[str, ...], now: datetime) -> Iterator[Metric]:
    backlog = GaugeMetricFamily("relay_backlog", "Entries in line for Luminate.", labels=["organization"])
    drain = GaugeMetricFamily(
        "relay_backlog_drain_seconds",
        "When the line will be empty at the pace of the last hour's posting; absent while that is not known.",
        labels=["organization"],
    )
    paused = GaugeMetricFamily("relay_paused", "1 while posting is paused.", labels=["organization"])
    waits, pace = figures.backlog(tx, known, now), figures.pace(tx, known, now - LATELY)
    stopped = pauses.all_paused(tx)
    for name in known:
        ready = waits[name].ready if name in waits else 0
        backlog.add_metric([name], ready)
        paused.add_metric([name], int(name in stopped))
        posted, minutes = pace.get(name, (0, 0))
        if posted and name not in stopped:
            drain.add_metric([name], ready * minutes * 60 / posted)
    yield from (backlog, drain, paused)


def _times(tx: Connection, known: tuple[str, ...], now: datetime) -> Iterator[Metric]:
    since = now - LATELY
    called = GaugeMetricFamily(
        "relay_luminate_call_seconds", "How long Luminate took, last hour.", labels=["organization", "quantile"]
    )
    _add(called, (one for one in meters.calls(tx) if one.ended_at >= since))
    posted = GaugeMetricFamily(
        "relay_posting_age_seconds",
        "From the receipt of a gift or refund to Luminate's record of it, last hour.",
        labels=["organization", "quantile"],
    )
    for name in known:
        _add(posted, (one for one in meters.arrivals_in_luminate(tx, name) if one.ended_at >= since))
    yield from (called, posted)


def _add(family: GaugeMetricFamily, took: Iterable[Took]) -> None:
    found: dict[str, list[float]] = {}
    for one in took:
        found.setdefault(one.organization, []).append(one.seconds)
    for organization, seconds in found.items():
        ordered = sorted(seconds)
        for quantile in QUANTILES:
            place = max(0, round(quantile * len(ordered)) - 1)
            family.add_metric([organization, f"{quantile:g}"], ordered[place])
