"""What comes and goes every minute must not mail every minute; and nothing new is ever kept back.

A first alert is told at once. That it is over is told once it has been away for a while. For an hour after it was last
there it is the same alert, and worth another message only if it stays; and each time it does so, it must have been away
for longer before its end is told again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from relay.ledger.alerts import Alert

# Away for this long it is over, and back for this long it stays.
SETTLED = timedelta(minutes=10)
# Within this of when it was last there it is the same alert.
SAME = timedelta(hours=1)


def is_over(alert: Alert, now: datetime) -> bool:
    """Whether what is no more has been away for long enough: 10 minutes, then 20, 40, at most an hour."""
    return alert.calm_since is not None and now - alert.calm_since >= min(SETTLED * 2 ** min(alert.endings, 4), SAME)


def stays(alert: Alert, now: datetime) -> bool:
    """Whether what came back after its end is there for good."""
    return alert.back_since is not None and now - alert.back_since >= SETTLED
