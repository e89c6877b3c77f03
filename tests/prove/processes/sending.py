"""A provider: it sends each event until there is a 2xx, however often the front door is broken."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Iterable

import requests

from tests.support.processes import Processes, charge

SENDERS = 8
# A provider gives up after days; a proof after this many seconds.
PATIENCE = 180.0


def amount_of(number: int) -> int:
    """Cents; many gifts share an amount, as in life."""
    return 1000 + 100 * (number % 5)


class Provider:
    """Sends the gifts with these numbers at a steady pace, from several threads."""

    def __init__(self, relay: Processes, numbers: Iterable[int], *, per_second: float) -> None:
        self.relay = relay
        self.accepted: set[int] = set()
        self.refused: Counter[str] = Counter()
        self._todo: queue.SimpleQueue[tuple[float, int]] = queue.SimpleQueue()
        start = time.monotonic()
        for place, number in enumerate(numbers):
            self._todo.put((start + place / per_second, number))
        self._threads = [threading.Thread(target=self._send, daemon=True) for _ in range(SENDERS)]
        for thread in self._threads:
            thread.start()

    @property
    def done(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def join(self) -> None:
        for thread in self._threads:
            thread.join(PATIENCE)
        assert self.done, "the front door stayed closed"

    def _send(self) -> None:
        while True:
            try:
                due, number = self._todo.get_nowait()
            except queue.Empty:
                return
            time.sleep(max(0.0, due - time.monotonic()))
            self._send_until_accepted(number)

    def _send_until_accepted(self, number: int) -> None:
        give_up = time.monotonic() + PATIENCE - 10
        while time.monotonic() < give_up:
            try:
                status = self.relay.post(charge(number, cents=amount_of(number))).status_code
            except requests.RequestException:
                status = 0
            if status == 200:
                self.accepted.add(number)
                return
            self.refused[str(status or "no answer")] += 1
            time.sleep(0.3)
