"""Signatures by the Standard Webhooks specification, which Svix sends for others under names of its own.

github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md; docs.svix.com/receiving/verifying-payloads.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

from relay.config import ProviderSettings
from relay.errors import BadSignature
from relay.providers.base import Delivery, ident
from relay.providers.signatures import check_age, place_of_match, unix_seconds

# The specification's names, and Svix's older ones for the same (docs.svix.com/receiving/verifying-payloads/how-manual).
PREFIXES = ("webhook", "svix")


def verify(delivery: Delivery, settings: ProviderSettings, now: datetime) -> int:
    """The place of the secret that made one of the v1 signatures. Raises BadSignature.

    HMAC-SHA256 over ``<id>.<timestamp>.<raw body>``; the key is the base64 after ``whsec_``, decoded. v1a (a public
    key) is not supported and never counts.
    """
    prefix, message, stated, signatures = _headers(delivery.headers)
    header = f"{prefix}-signature"
    sent = unix_seconds(stated, f"{prefix}-timestamp")
    keys = {secret: key for secret in settings.secrets if (key := _key(secret))}

    def expected(secret: str) -> str:
        mac = hmac.new(keys[secret], f"{message}.{stated}.".encode("utf-8", "replace"), hashlib.sha256)
        mac.update(delivery.body)
        return base64.b64encode(mac.digest()).decode()

    usable = [secret if secret in keys else "" for secret in settings.secrets]
    place = place_of_match(usable, expected, _candidates(signatures, header), header)
    check_age(sent, now, settings.tolerance)
    return place


def _headers(headers: Mapping[str, str]) -> tuple[str, str, str, str]:
    """Prefix, message id, timestamp and signatures, all under one prefix."""
    prefix = _prefix(headers)
    found = [headers.get(f"{prefix}-{part}", "").strip() for part in ("id", "timestamp", "signature")]
    if not all(found):
        raise BadSignature("the headers webhook-id, webhook-timestamp and webhook-signature are needed, all three")
    return (prefix, found[0], found[1], found[2])


def _prefix(headers: Mapping[str, str]) -> str:
    """Whose names the signed headers bear. Stored deliveries have lost their signature, but not their id."""
    names = [one for part in ("signature", "id") for one in PREFIXES if f"{one}-{part}" in headers]
    return names[0] if names else PREFIXES[0]


def _candidates(signatures: str, header: str) -> list[str]:
    """``v1,<base64> v1,<base64> v1a,...``: all that are v1."""
    parts = [part.partition(",") for part in signatures.split()]
    if any(not (version and comma and found) for version, comma, found in parts):
        raise BadSignature(f"{header} is not a list of version,signature parts")
    candidates = [found for version, _, found in parts if version == "v1"]
    if not candidates:
        raise BadSignature(f"{header} has no v1 signature")
    return candidates


def _key(secret: str) -> bytes:
    """The key inside a secret; empty if it is none."""
    try:
        return base64.b64decode(secret.strip().removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return b""


def message_id(headers: Mapping[str, str]) -> str:
    """The id of the delivery, the same over all its retries; "" if there is none."""
    return ident(headers.get(f"{_prefix(headers)}-id"))
