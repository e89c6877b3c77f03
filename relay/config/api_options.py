"""What may be wrong with the secrets and options of providers whose API is asked; "" is nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from relay.config.checks import is_loopback

_PATH_SECRET = re.compile(r"[A-Za-z0-9_.~-]{20,200}", re.ASCII)
_ANET_KEY = re.compile(r"[0-9A-Fa-f]{128}", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_LONG_ID = re.compile(r"[A-Za-z0-9_-]{1,255}", re.ASCII)


def wrong_environment(word: str) -> str:
    """Which of a provider's two worlds it is."""
    return "" if word in ("live", "sandbox") else "must be live or sandbox"


def wrong_api_url(text: str) -> str:
    """The address of an API, in place of the provider's own: a credential travels in every call."""
    try:
        url = urlsplit(text)
        host, _port = url.hostname or "", url.port
    except ValueError:
        return "is not an address"
    odd = "@" in url.netloc or url.query or url.fragment or any(letter.isspace() for letter in text)
    if url.scheme not in ("http", "https") or not host or odd:
        return "is not an https address without login, question mark or #"
    return "" if url.scheme == "https" or is_loopback(host) else "must begin with https"


def wrong_path_secret(secret: str) -> str:
    """The secret at the end of a webhook's address, for providers that sign nothing."""
    if _PATH_SECRET.fullmatch(secret):
        return ""
    return "must be 20 to 200 letters, digits, dashes or underscores: it stands in the webhook's address"


def wrong_stripe_key(key: str) -> str:
    """An API key that may read; a restricted one (``rk_``) is enough."""
    fits = key.startswith(("rk_live_", "rk_test_", "sk_live_", "sk_test_")) and _LONG_ID.fullmatch(key)
    return "" if fits else "is not an API key (rk_live_... or rk_test_...; a restricted one is enough)"


def wrong_square_token(token: str) -> str:
    """An access token of an application of one's own."""
    return "" if token.startswith("EAAA") and _LONG_ID.fullmatch(token) else "is not an access token (EAAA...)"


def wrong_gocardless_secret(secret: str) -> str:
    """The secret of the webhook endpoint, which is chosen there, and not the access token."""
    if secret.startswith(("live_", "sandbox_")):
        return "is an access token; the secret of the webhook endpoint is needed"
    return ""


def wrong_gocardless_token(token: str) -> str:
    """An access token; it may be read-only."""
    if token.startswith(("live_", "sandbox_")) and _ID.fullmatch(token):
        return ""
    return "is not an access token (live_... or sandbox_...)"


def wrong_authorizenet_secret(secret: str) -> str:
    """The Signature Key: 128 hexadecimal digits, used as text."""
    return "" if _ANET_KEY.fullmatch(secret) else "is not a Signature Key: 128 hexadecimal digits"


def wrong_mollie_key(key: str) -> str:
    """An API key of a website profile."""
    fits = key.startswith(("live_", "test_")) and _ID.fullmatch(key)
    return "" if fits else "is not an API key (live_... or test_...)"


def wrong_anet_fund(word: str) -> str:
    """Which field of a transaction's order names the fund."""
    words = ("invoice_number", "description", "none")
    return "" if word in words else f"must be one of {', '.join(words)}"


def wrong_ipn_fund(word: str) -> str:
    """Which variable of a message names the fund."""
    words = ("item_number", "item_name", "custom", "invoice", "none")
    return "" if word in words else f"must be one of {', '.join(words)}"


def unfit_paypal(options: Mapping[str, str], _secrets: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Half a login would be no login: PayPal's API would never be asked, and nobody would notice."""
    names = ("client_id", "client_secret")
    missing = [name for name in names if not options.get(name, "").strip()]
    if len(missing) == 1:
        yield missing[0], f"is needed, too: {' and '.join(names)} belong together"


def wrong_credential(text: str) -> str:
    """A name or key without blanks in it."""
    return "must not have blanks in it" if any(letter.isspace() for letter in text) else ""
