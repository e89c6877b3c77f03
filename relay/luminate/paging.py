"""Reading a list that comes in pages and in no order, until it is proven to be complete."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from relay.errors import ReadRefused
from relay.luminate.seen import Seen

MAX_PASSES = 3


def complete(read_pages: Callable[[], Iterable[Iterable[Seen]]]) -> tuple[Seen, ...]:
    """The rows of all pages, each once. ``read_pages`` reads the whole list, again at each call.

    A row that shows on two pages means that the list has moved and another row may show on none. So complete is a
    pass without such a row, or two passes that agree. Raises ReadRefused when the list never stands still.
    """
    before: Counter[Seen] | None = None
    for _ in range(MAX_PASSES):
        found, received = _merged(read_pages())
        if found.total() == received or found == before:
            return tuple(found.elements())
        before = found
    raise ReadRefused("rows_moved", "Luminate's list of transactions changed while it was read.")


def _merged(pages: Iterable[Iterable[Seen]]) -> tuple[Counter[Seen], int]:
    """Each row as often as on the page that has it most, and how many came in all."""
    found: Counter[Seen] = Counter()
    received = 0
    for page in pages:
        rows = Counter(page)
        received += rows.total()
        found |= rows
    return found, received
