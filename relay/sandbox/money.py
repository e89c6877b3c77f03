"""Money as integer minor units (cents): exact from text, exact to text. No float anywhere."""

import re
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

STRICT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?")
LENIENT = re.compile(r"[0-9]{1,12}(\.[0-9]{0,12})?")
THOUSANDS = re.compile(r",(?=[0-9]{3}(?![0-9]))")
ROUNDING = {"lenient_round": ROUND_HALF_UP, "lenient_truncate": ROUND_DOWN}


def parse_amount(text: str, mode: str = "strict") -> int | None:
    """Minor units of an amount text, or None when it cannot be read. `mode` is the switch `amount_text` (ND)."""
    if mode == "strict":
        return _minor(text, ROUND_DOWN) if STRICT.fullmatch(text) else None
    plain = THOUSANDS.sub("", text.strip().removeprefix("$")).replace(",", ".")
    return _minor(plain, ROUNDING[mode]) if LENIENT.fullmatch(plain) else None


def _minor(text: str, rounding: str) -> int:
    return int((Decimal(text) * 100).to_integral_value(rounding=rounding))


def two_places(minor: int) -> str:
    """``2500`` -> ``25.00``."""
    return f"{minor // 100}.{minor % 100:02d}"


def decimal_text(minor: int, style: str) -> str:
    """The ``decimal`` leaf of a reply: ``100`` and ``14.50`` as documented (H), or always two places."""
    if style == "as_documented" and minor % 100 == 0:
        return str(minor // 100)
    return two_places(minor)


def amount_node(minor: int, style: str) -> dict[str, str]:
    """``decimal`` and ``formatted``, the pair every amount of a reply consists of (H)."""
    return {"decimal": decimal_text(minor, style), "formatted": f"${minor // 100:,}.{minor % 100:02d}"}
