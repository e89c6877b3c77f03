"""A provider: it sends each event until there is a 2xx, however often the front door is broken."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

import requests

from tests.support.processes import Processes, charge, refund_created

SENDERS = 8
# A provider gives up after days; a proof after this many seconds.
PATIENCE = 180.0


# What comes back of every second gift, where refunds are sent too (cents).
REFUND = 500


def amount_of(number: int) -> int:
    """Cents; many gifts share an amount, as in life."""
    return 1000 + 100 * (number % 5)


class Provider:
    """Sends the gifts with these numbers at a steady pace, from several threads.

    With ``refunds`` every second gift is refunded in part as soon as it was accepted, and the event comes twice.
    """

    def __init__(self, relay: Processes, numbers: Iterable[int], *, per_second: float, refunds: bool = False) -> None:
        self.relay = relay
        self.refunds = refunds
        self.accepted: set[int] = set()
        self.refunded: set[int] = set()
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
            if not self._is_taken(charge(number, cents=amount_of(number))):
                continue
            self.accepted.add(number)
            if self.refunds and number % 2:
                back = refund_created(number, cents=REFUND)
                if self._is_taken(back):
                    self.refunded.add(number)
                    self._is_taken(back)

    def _is_taken(self, event: dict[str, Any]) -> bool:
        """Send one event until it is accepted; False if the front door stayed closed for too long."""
        give_up = time.monotonic() + PATIENCE - 10
        while time.monotonic() < give_up:
            try:
                status = self.relay.post(event).status_code
            except requests.RequestException:
                status = 0
            if status == 200:
                return True
            self.refused[str(status or "no answer")] += 1
            time.sleep(0.3)
        return False
