"""Time: aware UTC inside, US Central in replies (facts 6.7, M). The clock can be moved forward by a test."""

import threading
from datetime import UTC, date, datetime, timedelta, timezone

CST = timezone(timedelta(hours=-6))
CDT = timezone(timedelta(hours=-5))


class Clock:
    """Now, plus what a test has advanced it by."""

    def __init__(self) -> None:
        self._ahead = timedelta()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def advance(self, seconds: float) -> None:
        """Moves the clock forward only, so that nothing already readable becomes unreadable again."""
        with self._lock:
            self._ahead += timedelta(seconds=seconds)


def _sunday(year: int, month: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (nth - 1))


def central(moment: datetime) -> datetime:
    """The moment with its US Central offset. Worked out here, because a slim machine may have no time zone files."""
    start = datetime.combine(_sunday(moment.year, 3, 2), datetime.min.time(), UTC) + timedelta(hours=8)
    end = datetime.combine(_sunday(moment.year, 11, 1), datetime.min.time(), UTC) + timedelta(hours=7)
    return moment.astimezone(CDT if start <= moment < end else CST)


def central_text(moment: datetime) -> str:
    """``2016-02-01T09:43:53.980-06:00``, as every sample of the vendor shows it (H)."""
    return central(moment).isoformat(timespec="milliseconds")
