"""``RELAY_DEMO_AUTHORITY``: whom PayPal's signatures are proven by in `make run` and in tests, in place of DigiCert.

Nobody but PayPal can sign as PayPal, so the demo signs with a certificate of its own. Whoever holds such a key can
announce gifts. So the variable counts only where no gift can become real: not on a platform, and only if every
Luminate site of the configuration is on this machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from relay.config.checks import is_loopback
from relay.config.organization import Organization
from relay.config.problems import sentence
from relay.config.process import platform

NAME = "RELAY_DEMO_AUTHORITY"


def read_authority(environ: Mapping[str, str], organizations: Mapping[str, Organization]) -> tuple[bytes, list[str]]:
    """The certificates in the file that the variable names (none: b""), and what is wrong with it."""
    path = environ.get(NAME, "").strip()
    if not path:
        return b"", []
    try:
        pem = Path(path).read_bytes()
    except (OSError, ValueError):
        pem = b""
    wrong = [sentence(NAME, text) for text in _wrong(pem, environ, organizations)]
    return (b"" if wrong else pem), wrong


def _wrong(pem: bytes, environ: Mapping[str, str], organizations: Mapping[str, Organization]) -> Iterator[str]:
    if not _holds_certificates(pem):
        yield "names no file that can be read and holds a certificate"
    if where := platform(environ):
        yield f"is for make run and tests only; on {where} it would let others sign as PayPal; take it away"
    for name, organization in organizations.items():
        if not is_loopback(urlsplit(organization.luminate.url).hostname or ""):
            yield f"is for make run and tests only, and the Luminate site of '{name}' is elsewhere; take it away"


def _holds_certificates(pem: bytes) -> bool:
    from cryptography import x509  # noqa: PLC0415 - only the demo asks; a small worker need not carry it

    try:
        return bool(x509.load_pem_x509_certificates(pem))
    except ValueError:
        return False
