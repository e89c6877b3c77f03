"""The donor behind a payment that tells only a ``customer_id``: payment links often do.

https://developer.squareup.com/docs/customers-api/use-the-api/retrieve-profiles. Only with the option ``access_token``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from relay.config import ProviderSettings
from relay.errors import FetchFailed, NotUnderstood
from relay.gifts import Donor, Fact, Gift, Name
from relay.providers.asking import path_id, read_answer
from relay.providers.base import dig, ident, text
from relay.providers.calling import Caller
from relay.providers.square.payments import address_of, name_of

LIVE, SANDBOX = "https://connect.squareup.com", "https://connect.squareupsandbox.com"
# The shape of a customer does not hang on the application's own version.
VERSION = "2025-01-23"


def wanted(facts: Iterable[Fact], paid: object, settings: ProviderSettings | None) -> str:
    """The customer to ask for: of a gift without an e-mail address, where a token is configured; "" for none."""
    lacking = any(isinstance(fact, Gift) and not fact.donor.email for fact in facts)
    if not lacking or not _token(settings):
        return ""
    try:
        return f"customer {path_id(dig(paid, 'customer_id'), 'customer')}"
    except NotUnderstood:
        return ""


def _token(settings: ProviderSettings | None) -> str:
    return settings.options.get("access_token", "").strip() if settings else ""


def ask(name: str, settings: ProviderSettings, caller: Caller, *, live: bool) -> Mapping[str, Any]:
    """The customer; {} where they are gone. Raises FetchFailed or NotUnderstood."""
    base = settings.options.get("api_url", "").strip().rstrip("/") or (LIVE if live else SANDBOX)
    headers = {"Authorization": f"Bearer {_token(settings)}", "Square-Version": VERSION}
    try:
        found = read_answer(caller.get(f"{base}/v2/customers/{name}", headers=headers)).get("customer")
    except FetchFailed as error:
        if error.again:
            raise
        return {}
    if not isinstance(found, dict) or not ident(found):
        raise NotUnderstood("Square answered with something else than a customer")
    return found


def filled(fact: Fact, customer: Mapping[str, Any]) -> Fact:
    """A gift with what the payment did not tell of its donor."""
    if not isinstance(fact, Gift) or not customer:
        return fact
    known = Donor(
        name=name_of(customer) if name_of(customer) != Name() else Name(full=text(customer.get("company_name"))),
        email=text(customer.get("email_address")),
        phone=text(customer.get("phone_number")),
        address=address_of(customer.get("address")),
    )
    told = fact.filled_from(replace(fact, donor=known))
    return replace(told, sources=(*fact.sources, dict(customer)))
