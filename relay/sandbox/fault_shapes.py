"""From posted JSON to faults, and what to say when it does not fit."""

from typing import Any

from . import shapes
from .faults import FAULTS, KEYS, SECONDS, SOAP_METHODS, VARIANTS, Fault
from .methods import METHODS
from .shapes import Refused

READERS: dict[str, shapes.Reader] = {
    "fault": shapes.one_of(*FAULTS),
    "when": shapes.maybe(shapes.one_of("before", "after")),
    "method": shapes.maybe(shapes.one_of(*METHODS, *SOAP_METHODS)),
    "organization": shapes.maybe(shapes.text),
    "probability": shapes.share,
    "times": shapes.maybe(shapes.whole),
    "seconds": shapes.number,
    "retry_after": shapes.maybe(shapes.whole),
    "match": shapes.texts,
    "variant": shapes.maybe(shapes.text),
}
assert set(READERS) == set(KEYS)  # noqa: S101  (checked once, at import)


def faults(posted: Any) -> tuple[list[Fault], int | None]:
    """The faults and the seed of ``{"faults": [...], "seed": 1}``."""
    readers = {"faults": shapes.many(_fault), "seed": shapes.maybe(shapes.whole)}
    found = shapes.fields("The body", posted, readers)
    if "faults" not in found:
        raise Refused('The body must have the field "faults", a list.')
    return list(found["faults"]), found.get("seed")


def _fault(where: str, value: Any) -> Fault:
    found = shapes.fields(where, value, READERS)
    if "fault" not in found:
        raise Refused(f"{where} must name its fault: one of {', '.join(FAULTS)}.")
    name = found["fault"]
    found["when"] = _when(where, name, found.get("when"))
    found["variant"] = _variant(where, name, found.get("variant"))
    found.setdefault("seconds", SECONDS.get(name, 0.0))
    return Fault(**found)


def _when(where: str, name: str, when: str | None) -> str:
    if when is not None and when not in FAULTS[name]:
        raise Refused(f"{where}: {name} strikes {FAULTS[name][0]} the recording only.")
    return when or FAULTS[name][0]


def _variant(where: str, name: str, variant: str | None) -> str | None:
    allowed = VARIANTS.get(name, ())
    if variant is not None and variant not in allowed:
        raise Refused(f"{where}.variant must be one of {', '.join(allowed) or 'nothing, for this fault'}.")
    return variant or (allowed[0] if allowed else None)
