"""What can go wrong on the wire: the list of faults that tests set, and which of them strikes a call.

A fault strikes `before` the call is worked on (nothing is recorded) or `after` (whatever passes is recorded, and the
answer is what suffers), so for every call it is known whether it was recorded.
"""

import random
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

BEFORE, AFTER = "before", "after"
BOTH = (BEFORE, AFTER)
# name -> when it may strike, the default first
FAULTS: dict[str, tuple[str, ...]] = {
    "hang": BOTH,
    "slow": BOTH,
    "reset_before": (BEFORE,),
    "reset_after": (AFTER,),
    "close_before": (BEFORE,),
    "close_after": (AFTER,),
    "break_off_before": (BEFORE,),
    "break_off_after": (AFTER,),
    "html": BOTH,
    "empty_200": BOTH,
    **{f"status_{status}": BOTH for status in (302, 404, 429, 500, 502, 503, 504)},
    "wrong_charset": (AFTER,),
    "duplicate_answer": (AFTER,),
    "stale_answer": (AFTER,),
    "drip": (AFTER,),
    "soap_session": (BEFORE,),
    "soap_conflict": (BEFORE,),
    "soap_permission": (BEFORE,),
}
# These are answers of the SOAP web services, and strike no other call.
SOAP_METHODS = ("Login", "Query")
SECONDS = {"hang": 3600.0, "slow": 2.0, "drip": 30.0}
VARIANTS = {
    "wrong_charset": ("declared_latin1", "latin1_bytes", "utf16_bytes"),
    "html": ("200", "403"),
    "break_off_before": ("length", "chunked"),
    "break_off_after": ("length", "chunked"),
}
KEYS = ("fault", "when", "method", "organization", "probability", "times", "seconds", "retry_after", "match", "variant")


@dataclass
class Fault:
    """One rule. `times` None means without end; `seen` counts the calls it fitted, `fired` those it struck."""

    fault: str
    when: str
    method: str | None = None
    organization: str | None = None
    probability: float = 1.0
    times: int | None = None
    seconds: float = 0.0
    retry_after: int | None = None
    match: dict[str, str] = field(default_factory=dict)
    variant: str | None = None
    seen: int = 0
    fired: int = 0

    def fits(self, organization: str, params: Mapping[str, str]) -> bool:
        return (
            self.organization in (None, organization)
            and self.method in (None, params.get("method", ""))
            and (not self.fault.startswith("soap_") or params.get("method", "") in SOAP_METHODS)
            and (self.times is None or self.fired < self.times)
            and all(params.get(name) == value for name, value in self.match.items())
        )


class FaultList:
    """The faults in force. The first that fits a call and wins its throw strikes; one seed repeats all throws."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._random = random.Random()
        self._seed: int | None = None
        self._lock = threading.Lock()

    def replace(self, faults: list[Fault], seed: int | None = None) -> None:
        with self._lock:
            self._faults = faults
            self._seed = seed
            self._random = random.Random(seed)

    def choose(self, organization: str, params: Mapping[str, str]) -> Fault | None:
        """The fault that strikes this call, counted."""
        with self._lock:
            for fault in self._faults:
                if fault.fits(organization, params) and self._throw(fault):
                    fault.fired += 1
                    return fault
        return None

    def _throw(self, fault: Fault) -> bool:
        fault.seen += 1
        return fault.probability >= 1 or self._random.random() < fault.probability

    def listed(self) -> dict[str, Any]:
        with self._lock:
            return {"faults": [asdict(fault) for fault in self._faults], "seed": self._seed}
