"""A failing seed made short: payments and faults are left out one by one, as long as it still fails the same way."""

from __future__ import annotations

import re
import time

from tests.prove.simulation.play import Played, play


def kind_of(problem: str) -> str:
    """The problem without its numbers: what must stay the same while a seed is shrunk."""
    return re.sub(r"[\w.@]*\d[\w.@]*", "_", problem)[:60]


def shrink(failed: Played, *, seconds: float = 60.0, gifts: int) -> tuple[Played, list[str]]:
    """The shortest failing play found within this time, and what it leaves out."""
    wanted, end = kind_of(failed.problem), time.monotonic() + seconds
    without: list[str] = []
    best, size = failed, 8
    while size and time.monotonic() < end:
        parts = _parts([*best.payments, *reversed(best.faults)], size)
        for part in parts:
            if time.monotonic() > end:
                break
            tried = play(best.seed, [*without, *part], gifts=gifts)
            if kind_of(tried.problem) == wanted:
                best, without = tried, [*without, *part]
                break
        else:
            size //= 2
    return best, without


def _parts(names: list[str], size: int) -> list[list[str]]:
    return [names[start : start + size] for start in range(0, len(names), size)]
