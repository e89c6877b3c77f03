"""Adyen's proofs: an HMAC in every item, and basic authentication around them all.

https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures. Only eight fields of an
item are signed; not ``live``, not the reason, nothing in additionalData. Whoever could change what passes between Adyen
and relay could change a donor's e-mail or fund: hence https, and a user name with a password.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from relay.config import ProviderSettings
from relay.errors import BadSignature, NotUnderstood
from relay.providers.base import Delivery, dig, read_json, text
from relay.providers.signatures import place_of_match

FIELD = "additionalData.hmacSignature"
# Webhooks of Adyen's platform products have another shape: no items, and one signature over the whole body.
PLATFORM_HEADER = "hmacsignature"
TEXTS = ("pspReference", "originalReference", "merchantAccountCode", "merchantReference")


def verify(delivery: Delivery, settings: ProviderSettings, now: datetime) -> int:  # noqa: ARG001  # no time is signed
    """The place of the key that signed the first item; every item must be signed with one of the keys.

    Raises BadSignature, or Unreadable for what is not JSON.
    """
    _check_login(delivery, settings)
    try:
        body = read_json(delivery.body)
    except NotUnderstood as error:
        raise BadSignature(str(error)) from None
    if "notificationItems" not in body:
        sent = delivery.headers.get(PLATFORM_HEADER, "").strip()
        return _place(settings.secrets, delivery.body, sent, PLATFORM_HEADER)
    items = items_of(body)
    if not items:
        raise BadSignature("no item to verify")
    places = [_place(settings.secrets, signed_text(item), _signature_in(item), FIELD) for item in items]
    return places[0]


def items_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The notification items of a body; none at all unless each is one."""
    listed = body.get("notificationItems")
    found = [dig(wrapped, "NotificationRequestItem") for wrapped in listed] if isinstance(listed, list) else []
    return found if all(isinstance(item, dict) for item in found) else []


def signed_text(item: dict[str, Any]) -> bytes:
    """The eight fields, joined by colons without any escaping; absent ones are empty."""
    amount = item.get("amount")
    fields = [*(item.get(name) for name in TEXTS), dig(amount, "value"), dig(amount, "currency")]
    return ":".join(_plain(field) for field in (*fields, item.get("eventCode"), item.get("success"))).encode()


def _plain(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    raise BadSignature("a signed field is neither a text nor a whole number")


def _signature_in(item: dict[str, Any]) -> str:
    return text(dig(item, "additionalData", "hmacSignature"))


def _place(secrets: Sequence[str], message: bytes, sent: str, where: str) -> int:
    if not sent:
        raise BadSignature(f"{where} is missing, or was not made with a configured secret")

    def expected(secret: str) -> str:
        return base64.b64encode(hmac.new(_key(secret), message, hashlib.sha256).digest()).decode()

    return place_of_match([secret if _key(secret) else "" for secret in secrets], expected, [sent], where)


def _key(secret: str) -> bytes:
    """The bytes of a key in hexadecimal digits; empty if it is none."""
    try:
        return bytes.fromhex(secret.strip())
    except ValueError:
        return b""


def _check_login(delivery: Delivery, settings: ProviderSettings) -> None:
    """User name and password, where either is configured. Raises BadSignature."""
    wanted = (settings.options.get("username", ""), settings.options.get("password", ""))
    if not any(wanted):
        return
    scheme, _, given = delivery.headers.get("authorization", "").strip().partition(" ")
    try:
        sent = base64.b64decode(given.strip(), validate=True)
    except (binascii.Error, ValueError):
        sent = b""
    if scheme.lower() != "basic" or not hmac.compare_digest(sent, ":".join(wanted).encode()):
        raise BadSignature("the user name and password of basic authentication are missing or wrong")
