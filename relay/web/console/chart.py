"""The chart of the last days as numbers that an SVG is drawn from: a line for what came, bars for what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from relay import words
from relay.money import Money, exponent
from relay.reports.overview import Chart

WIDTH, HEIGHT = 760, 220
LEFT, RIGHT, TOP, BOTTOM = 64, 8, 10, 24
_LINES = 4
_EVERY = 7
_WIDE, _NARROW = 0.62, 0.34


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything there is to draw."""

    posted: tuple[Bar, ...]
    needs: tuple[Bar, ...]
    received: str
    lines: tuple[tuple[float, str], ...]
    days: tuple[tuple[float, str], ...]


def drawn(chart: Chart) -> Drawing:
    """The chart in pixels."""
    top = _top(max(max(day.received, day.posted) for day in chart.days), exponent(chart.currency))
    step = (WIDTH - LEFT - RIGHT) / len(chart.days)

    def up(minor: int) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * minor / top, 1)

    def bar(place: int, minor: int, share: float) -> Bar:
        y = up(minor)
        return Bar(round(LEFT + step * (place + (1 - share) / 2), 1), y, round(step * share, 1), HEIGHT - BOTTOM - y)

    middles = [round(LEFT + step * (place + 0.5), 1) for place in range(len(chart.days))]
    return Drawing(
        posted=tuple(bar(place, day.posted, _WIDE) for place, day in enumerate(chart.days) if day.posted),
        needs=tuple(bar(place, day.needs, _NARROW) for place, day in enumerate(chart.days) if day.needs),
        received=" ".join(f"{x},{up(day.received)}" for x, day in zip(middles, chart.days, strict=True)),
        lines=tuple(_grid(top, chart.currency, up)),
        days=tuple((middles[place], _short(chart.days[place].day)) for place in range(len(middles) - 1, -1, -_EVERY)),
    )


def _grid(top: int, currency: str, up: Callable[[int], float]) -> Iterator[tuple[float, str]]:
    for part in range(_LINES + 1):
        minor = top * part // _LINES
        yield up(minor), words.money(Money(minor, currency)).removesuffix("." + "0" * exponent(currency))


def _top(most: int, decimals: int) -> int:
    """The smallest round number that holds it, and whose quarters are round too."""
    rounds = (four * int("1" + "0" * (decimals + power)) for power in range(16) for four in (4, 8, 20))
    return next(top for top in rounds if top >= most)


def _short(day: date) -> str:
    return f"{day:%d %b}".lstrip("0")
