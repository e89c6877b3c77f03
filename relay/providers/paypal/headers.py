"""What the headers of PayPal's webhooks say: who sent what, when, and by which certificate. `proof` proves it.

https://developer.paypal.com/api/rest/webhooks/rest/#link-selfverificationmethod
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from relay.config import ProviderSettings
from relay.errors import BadSignature
from relay.providers.asking import LIVE, SANDBOX, environment
from relay.providers.base import Delivery
from relay.providers.times import instant

ID, TIME, SIGNATURE = "paypal-transmission-id", "paypal-transmission-time", "paypal-transmission-sig"
CERTIFICATE, ALGORITHM = "paypal-cert-url", "paypal-auth-algo"
HEADERS = (ID, TIME, SIGNATURE, CERTIFICATE, ALGORITHM)
# The dashboard's simulator signs with the production certificate, for this literal webhook id. Anyone may use it.
SIMULATOR, SIMULATED = "simulator", "WEBHOOK_ID"
HOSTS = {LIVE: "api.paypal.com", SANDBOX: "api.sandbox.paypal.com", SIMULATOR: "api.paypal.com"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Claim:
    """What the headers of a delivery say about it."""

    transmission: str
    time: str
    signature: bytes
    url: str
    sent: int

    def signed(self, webhook_id: str, body: bytes) -> bytes:
        """The text that PayPal signed."""
        return f"{self.transmission}|{self.time}|{webhook_id}|{zlib.crc32(body)}".encode("utf-8", "replace")


def claim(delivery: Delivery, settings: ProviderSettings) -> Claim:
    """The headers, each of which must be right in itself. Raises BadSignature."""
    told = {name: delivery.headers.get(name, "").strip() for name in HEADERS}
    if missing := [name for name in HEADERS if not told[name]]:
        raise BadSignature(f"the {missing[0].upper()} header is missing")
    if told[ALGORITHM].upper() != "SHA256WITHRSA":
        raise BadSignature("PAYPAL-AUTH-ALGO is not SHA256withRSA")
    sent = instant(told[TIME])
    if sent is None:
        raise BadSignature("PAYPAL-TRANSMISSION-TIME is not a moment")
    url = certificate_url(told[CERTIFICATE], settings)
    return Claim(told[ID], told[TIME], _decoded(told[SIGNATURE]), url, int(sent.timestamp()))


def certificate_url(told: str, settings: ProviderSettings) -> str:
    """The address of the certificate, put together anew: only PayPal's, of this environment. Raises BadSignature."""
    host = HOSTS.get(environment(settings), "")
    beginning = f"https://{host}/v1/notifications/certs/"
    name = told.removeprefix(beginning)
    if not host or name == told or not _NAME.fullmatch(name):
        sentence = "PAYPAL-CERT-URL is not an address of PayPal's certificates for the environment"
        raise BadSignature(f"{sentence} '{environment(settings)}'")
    return beginning + name


def _decoded(signature: str) -> bytes:
    """Base64 in its one proper spelling: no second text stands for the same signature."""
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        raise BadSignature("PAYPAL-TRANSMISSION-SIG is not base64") from None
    if base64.b64encode(raw).decode() != signature:
        raise BadSignature("PAYPAL-TRANSMISSION-SIG is not plain base64")
    return raw


def transmission_of(headers: Mapping[str, str]) -> str:
    """The transmission's id: used once, whatever the body."""
    return headers.get(ID, "").strip()
