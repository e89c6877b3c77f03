"""One-time codes (TOTP, RFC 6238): six digits that change every 30 seconds; each is taken once."""

from __future__ import annotations

import hmac
import time

import pyotp

SECONDS = 30
# A telephone's clock may be one step off.
_DRIFT = (0, -1, 1)


def secret() -> str:
    """A new shared secret, 160 bits in base 32."""
    return pyotp.random_base32()


def step(kept: str, code: str, *, at: float | None = None) -> int | None:
    """Which time step this code is of, None where it is wrong."""
    given, now = "".join(code.split()), int((time.time() if at is None else at) // SECONDS)
    if not kept or not (given.isascii() and given.isdigit()):
        return None
    totp = pyotp.TOTP(kept)
    return next((now + drift for drift in _DRIFT if hmac.compare_digest(totp.generate_otp(now + drift), given)), None)


def address(kept: str, email: str) -> str:
    """What an authenticator app reads from a QR code."""
    return pyotp.TOTP(kept).provisioning_uri(name=email, issuer_name="relay")
