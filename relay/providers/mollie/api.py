"""Mollie's API, as far as it is read: payments, and the links and orders that are paid by them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from relay.config import ProviderSettings
from relay.errors import FetchFailed, NotUnderstood
from relay.providers.asking import address, path_id, read_answer
from relay.providers.base import dig, ident, text
from relay.providers.calling import Caller
from relay.providers.mollie.payments import PAID

ADDRESSES = {"live": "https://api.mollie.com"}


class Api:
    """Asks Mollie. The key of a website profile is live or test; the address is the same."""

    def __init__(self, settings: ProviderSettings, caller: Caller) -> None:
        """The API key is an option."""
        self._base, self._caller = address(settings, ADDRESSES), caller
        self._headers = {"Authorization": f"Bearer {settings.options.get('api_key', '')}"}

    def get(self, path: str) -> dict[str, Any]:
        """One answer. Raises FetchFailed."""
        return read_answer(self._caller.get(f"{self._base}/v2/{path}", headers=self._headers))

    def payment(self, name: str) -> dict[str, Any]:
        """A payment with what was taken from it. Raises FetchFailed or NotUnderstood."""
        found = self.get(f"payments/{name}?embed=refunds,chargebacks")
        if ident(found) != name:
            raise NotUnderstood("Mollie answered with something else than the payment asked for")
        return found

    def customer(self, name: str) -> dict[str, Any]:
        """A customer; {} where they are gone."""
        try:
            return self.get(f"customers/{path_id(name, 'customer')}") if name else {}
        except FetchFailed as error:
            if error.again:
                raise
            return {}


def _payment(api: Api, name: str) -> Iterator[dict[str, Any]]:
    yield api.payment(name)


def _payments_of_link(api: Api, name: str) -> Iterator[dict[str, Any]]:
    """A payment link may be paid more than once (https://docs.mollie.com/reference/get-payment-link-payments)."""
    listed = dig(api.get(f"payment-links/{name}/payments?limit=250"), "_embedded", "payments")
    if not isinstance(listed, list):
        raise NotUnderstood("Mollie did not tell the payments of the link")
    for one in listed:
        if text(dig(one, "status")) == PAID:
            yield api.payment(path_id(one, "payment"))


def _payments_of_order(api: Api, name: str) -> Iterator[dict[str, Any]]:
    """An order (the older Orders API) is paid by payments of its own (https://docs.mollie.com/reference/get-order)."""
    found = api.get(f"orders/{name}?embed=payments")
    listed = dig(found, "_embedded", "payments")
    if ident(found) != name:
        raise NotUnderstood("Mollie answered with something else than the order asked for")
    for one in listed if isinstance(listed, list) else []:
        if text(dig(one, "status")) == PAID:
            yield api.payment(path_id(one, "payment"))


READERS: Mapping[str, Callable[[Api, str], Iterator[dict[str, Any]]]] = {
    "payment": _payment,
    "payment-link": _payments_of_link,
    "order": _payments_of_order,
}
