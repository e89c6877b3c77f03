"""What HMAC signatures of all providers have in common: several secrets, constant time, an age limit.

A provider's own file reads its headers and says what is signed; these say whether it may be believed.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Sequence
from datetime import datetime

from relay.errors import BadSignature

_SECONDS = re.compile(r"\d{1,12}", re.ASCII)


def place_of_match(
    secrets: Sequence[str], expected: Callable[[str], str], candidates: Sequence[str], header: str
) -> int:
    """The place of the first secret that made one of the candidates. Raises BadSignature if none did.

    A blank secret never matches: anyone can sign with it.
    """
    usable = [(place, secret) for place, secret in enumerate(secrets) if secret.strip()]
    if not usable:
        raise BadSignature("no signing secret is configured for this provider")
    sent = [candidate.encode("utf-8", "replace") for candidate in candidates]
    for place, secret in usable:
        ours = expected(secret).encode()
        if any([hmac.compare_digest(ours, theirs) for theirs in sent]):  # noqa: C419  # compares all, always
            return place
    raise BadSignature(f"no signature in {header} was made with a configured secret over this body")


def unix_seconds(value: str, header: str) -> int:
    """The whole seconds since 1970 that a header states. Raises BadSignature for anything else."""
    if not _SECONDS.fullmatch(value):
        raise BadSignature(f"the timestamp in {header} is not a whole number of seconds")
    return int(value)


def check_age(sent: int, now: datetime, tolerance: int) -> None:
    """Refuse what was signed too long ago (a repeat by a stranger) or in the future (a wrong clock)."""
    age = now.timestamp() - sent
    if age > tolerance:
        raise BadSignature(f"signed {age:.0f} seconds ago; at most {tolerance} are allowed")
    if age < -tolerance:
        raise BadSignature(f"signed {-age:.0f} seconds in the future; is the clock of this machine right?")


def place_of_token(secrets: Sequence[str], token: str) -> int:
    """The place of the secret at the end of the webhook's address, for providers that sign nothing.

    Raises BadSignature.
    """
    try:
        return place_of_match(secrets, lambda secret: secret, [token] if token else [], "the address")
    except BadSignature as error:
        if not any(secret.strip() for secret in secrets):
            raise
        raise BadSignature("the address does not end with a configured secret") from error
