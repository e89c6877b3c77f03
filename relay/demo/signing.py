"""Signatures as the providers make them, for sample events and tests. Development only: relay itself never signs."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
import zlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa


def stripe_headers(body: bytes, secret: str, timestamp: int) -> dict[str, str]:
    """The headers of a Stripe webhook: the key is the secret as text."""
    mac = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return {"stripe-signature": f"t={timestamp},v1={mac.hexdigest()}"}


def standard_headers(body: bytes, secret: str, timestamp: int, message_id: str) -> dict[str, str]:
    """The headers of a Standard Webhook: the key is the base64 after ``whsec_``."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    signature = base64.b64encode(mac.digest()).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }


def square_headers(body: bytes, secret: str, notification_url: str) -> dict[str, str]:
    """The headers of a Square webhook: the key is the signature key as text, the registered URL is signed too."""
    mac = hmac.new(secret.encode(), notification_url.encode() + body, hashlib.sha256)
    return {"x-square-hmacsha256-signature": base64.b64encode(mac.digest()).decode()}


def authorizenet_headers(body: bytes, secret: str) -> dict[str, str]:
    """The headers of an Authorize.Net notification: the Signature Key as text, hex in upper case."""
    return {"x-anet-signature": f"sha512={hmac.new(secret.encode(), body, hashlib.sha512).hexdigest().upper()}"}


def mollie_headers(body: bytes, secret: str) -> dict[str, str]:
    """The headers of a next-gen event of Mollie's. The classic webhook has none: its secret ends the address."""
    return {"x-mollie-signature": f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"}


def gocardless_headers(body: bytes, secret: str) -> dict[str, str]:
    """The headers of a GoCardless webhook: the key is the secret as text."""
    return {"webhook-signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def paypal_headers(
    body: bytes, webhook_id: str, sent: str, transmission: str, key: rsa.RSAPrivateKey, certificate_url: str
) -> dict[str, str]:
    """The headers of a PayPal webhook: RSA over the CRC32 of the body. Nobody has PayPal's key: bring one of yours."""
    signed = f"{transmission}|{sent}|{webhook_id}|{zlib.crc32(body)}".encode()
    return {
        "paypal-transmission-id": transmission,
        "paypal-transmission-time": sent,
        "paypal-transmission-sig": base64.b64encode(key.sign(signed, padding.PKCS1v15(), hashes.SHA256())).decode(),
        "paypal-cert-url": certificate_url,
        "paypal-auth-algo": "SHA256withRSA",
    }


def adyen_body(notification: Mapping[str, Any], secret: str) -> bytes:
    """A body of Adyen's with every item signed: the key is hex, eight fields are signed without escaping."""
    signed = copy.deepcopy(dict(notification))
    for wrapped in signed["notificationItems"]:
        item = wrapped["NotificationRequestItem"]
        names = ("pspReference", "originalReference", "merchantAccountCode", "merchantReference")
        amount = item.get("amount", {})
        fields = [*(item.get(name, "") for name in names), amount.get("value", ""), amount.get("currency", "")]
        message = ":".join(str(field) for field in (*fields, item.get("eventCode", ""), item.get("success", "")))
        mac = hmac.new(bytes.fromhex(secret), message.encode(), hashlib.sha256)
        item.setdefault("additionalData", {})["hmacSignature"] = base64.b64encode(mac.digest()).decode()
    return json.dumps(signed).encode()


def donorbox_headers(body: bytes, secret: str, timestamp: int) -> dict[str, str]:
    """The headers of a Donorbox webhook: the key is the secret as text."""
    mac = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return {"donorbox-signature": f"{timestamp},{mac.hexdigest()}"}


def givebutter_headers(body: bytes, secret: str, signature: str = "secret") -> dict[str, str]:
    """The headers of a Givebutter webhook: the secret itself, or (``hmac``) what it makes of the body."""
    mac = hmac.new(secret.encode(), body, hashlib.sha256)
    return {"signature": mac.hexdigest() if signature == "hmac" else secret}


def raisely_body(event: Mapping[str, Any], secret: str) -> bytes:
    """A body of Raisely's: the secret travels inside it."""
    return json.dumps({"secret": secret, **event}).encode()


def gofundmepro_headers(body: bytes, secret: str, timestamp: int, message_id: str) -> dict[str, str]:
    """The headers of a GoFundMe Pro webhook, which Svix sends: a Standard Webhook under older names."""
    signed = standard_headers(body, secret, timestamp, message_id)
    return {name.replace("webhook-", "svix-"): value for name, value in signed.items()}


def generic_headers(signed: bytes, secret: str, header: str, algorithm: str = "sha256") -> dict[str, str]:
    """One header with the hex HMAC of what is signed: how most processors do it."""
    return {header.lower(): hmac.new(secret.encode(), signed, algorithm).hexdigest()}


def braintree_body(xml: bytes, private_key: str, public_key: str) -> bytes:
    """The form that Braintree posts around its XML: the key is the SHA-1 of the private key, newlines are signed."""
    payload = base64.encodebytes(xml)
    mac = hmac.new(hashlib.sha1(private_key.encode()).digest(), payload, hashlib.sha1)  # noqa: S324  # Braintree's rule
    return urlencode({"bt_signature": f"{public_key}|{mac.hexdigest()}", "bt_payload": payload}).encode()
