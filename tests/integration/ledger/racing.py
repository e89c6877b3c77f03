"""Several threads that start at the same moment."""

import threading
from concurrent.futures import ThreadPoolExecutor


def race(count, act):
    """Call ``act(number)`` in as many threads at once; their answers, or the first error."""
    gate = threading.Barrier(count)

    def start(number):
        gate.wait(timeout=20)
        return act(number)

    with ThreadPoolExecutor(count) as threads:
        return [future.result(timeout=60) for future in [threads.submit(start, number) for number in range(count)]]
