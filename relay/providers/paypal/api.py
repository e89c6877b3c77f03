"""PayPal's API, as far as a worker reads it: what an event claims is looked up before it is booked.

https://developer.paypal.com/api/rest/authentication/. The app's ``client_id`` and ``client_secret`` are options.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from relay.config import ProviderSettings
from relay.errors import FetchFailed, NotUnderstood
from relay.providers.asking import LIVE, SANDBOX, address, path_id, read_answer
from relay.providers.base import dig, ident, text
from relay.providers.calling import Caller, Reply
from relay.providers.paypal.headers import SIMULATOR

ADDRESSES = {
    LIVE: "https://api-m.paypal.com",
    SANDBOX: "https://api-m.sandbox.paypal.com",
    SIMULATOR: "https://api-m.paypal.com",
}
# What an event is about -> where its object is, by the version of its words.
PATHS: Mapping[str, tuple[str, str]] = {
    "capture": ("/v2/payments/captures/", "/v1/payments/capture/"),
    "sale": ("/v1/payments/sale/", "/v1/payments/sale/"),
    "order": ("/v2/checkout/orders/", "/v2/checkout/orders/"),
    "refund": ("/v2/payments/refunds/", "/v1/payments/refund/"),
    "dispute": ("/v1/customer/disputes/", "/v1/customer/disputes/"),
}
# A token is renewed this many seconds before it ends.
EARLY = 120.0


def credentials(settings: ProviderSettings | None) -> tuple[str, str] | None:
    """``client_id`` and ``client_secret``; None unless both are there."""
    told = [(settings.options.get(name, "") if settings else "").strip() for name in ("client_id", "client_secret")]
    return (told[0], told[1]) if all(told) else None


class Tokens:
    """Access tokens by app, for as long as each one lasts (usually nine hours)."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._known: dict[tuple[str, str], tuple[str, float]] = {}

    def get(self, base: str, login: tuple[str, str], caller: Caller) -> str:
        """A token that still lasts. Raises FetchFailed."""
        token, until = self._known.get((base, login[0]), ("", 0.0))
        if time.monotonic() < until:
            return token
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        url = f"{base}/v1/oauth2/token"
        answer = read_answer(caller.post(url, b"grant_type=client_credentials", headers=headers, auth=login))
        token, lasts = text(answer.get("access_token")), answer.get("expires_in")
        if not token or not token.isprintable():
            raise FetchFailed("PayPal's API gave no access token", again=True, silent=True)
        seconds = float(lasts) if type(lasts) is int else 0.0
        self._known[base, login[0]] = (token, time.monotonic() + min(seconds, 86_400.0) - EARLY)
        return token

    def forget(self, base: str, login: tuple[str, str]) -> None:
        """A token that PayPal refused may have been withdrawn."""
        self._known.pop((base, login[0]), None)


class Api:
    """Reads single objects with the credentials of one organization's app."""

    def __init__(self, settings: ProviderSettings, login: tuple[str, str], caller: Caller, tokens: Tokens) -> None:
        """Take the parts; nothing is asked yet."""
        self._base, self._login, self._caller, self._tokens = address(settings, ADDRESSES), login, caller, tokens

    def object_of(self, kind: str, claimed: dict[str, Any], name: str) -> dict[str, Any]:
        """The object an event is about, as PayPal has it now. Raises FetchFailed or NotUnderstood."""
        found = self._get(PATHS[kind][is_version_1(claimed)] + path_id(name, kind))
        if ident(found.get("dispute_id") if kind == "dispute" else found) != name:
            raise NotUnderstood(f"PayPal's API answered with something else than the {kind} asked for")
        return found

    def payer_of(self, paid: dict[str, Any]) -> dict[str, Any]:
        """The order, subscription or payment that knows the donor; {} where there is none, or it is gone."""
        ways = (
            ("/v2/checkout/orders/", dig(paid, "supplementary_data", "related_ids", "order_id")),
            ("/v1/billing/subscriptions/", paid.get("billing_agreement_id")),
            ("/v1/payments/payment/", paid.get("parent_payment")),
        )
        for way, name in ways:
            if ident(name) and (found := self._get_if_any(way + path_id(name, "donor"))):
                return found
        return {}

    def _get_if_any(self, path: str) -> dict[str, Any]:
        try:
            return self._get(path)
        except FetchFailed as error:
            if error.again:
                raise
            return {}

    def _get(self, path: str) -> dict[str, Any]:
        return read_answer(self._ask(self._base + path))

    def _ask(self, url: str) -> Reply:
        token = self._tokens.get(self._base, self._login, self._caller)
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        try:
            return self._caller.get(url, headers=headers)
        except FetchFailed as error:
            if error.silent:
                self._tokens.forget(self._base, self._login)
            raise


def is_version_1(claimed: dict[str, Any]) -> bool:
    """Whether a resource is written in the words of version 1."""
    return "state" in claimed or dig(claimed, "amount", "total") is not None
