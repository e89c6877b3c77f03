"""A clock of this machine that goes on while the machine is suspended, as leases on the database's clock do."""

from __future__ import annotations

import time

# Linux; elsewhere time.monotonic is the best there is, and may stand still meanwhile.
_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", None)


def seconds() -> float:
    """Seconds since some moment in the past, those of a suspended machine among them."""
    return time.monotonic() if _BOOTTIME is None else time.clock_gettime(_BOOTTIME)
