"""Stripe's thin events: they name an object, and a worker asks Stripe for it.

https://docs.stripe.com/event-destinations#thin-events. The address is made of the object's kind and id; the one in the
event is never followed. What comes back is the object as it stands now, read like the one in a snapshot event.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from relay.config import ProviderSettings
from relay.errors import NotUnderstood
from relay.gifts import Fact, Flag
from relay.providers.asking import address, completed, path_id, read_answer
from relay.providers.base import Parsed, dig, ident, text
from relay.providers.calling import Caller

OBJECT = "v2.core.event"
# A thin event about an object of API v1 bears the name of its snapshot event behind this.
PREFIX = "v1."
ADDRESSES = {"live": "https://api.stripe.com"}
# The shapes in which objects come back do not hang on the account's own version.
VERSION = "2025-03-31.basil"
# What an object is -> where it is. An invoice brings its payments along: nothing else says which payment paid it.
PATHS: Mapping[str, str] = {
    "charge": "charges/{}",
    "payment_intent": "payment_intents/{}",
    "checkout.session": "checkout/sessions/{}",
    "invoice": "invoices/{}?expand%5B%5D=payments",
    "invoice_payment": "invoice_payments/{}",
    "refund": "refunds/{}",
    "dispute": "disputes/{}",
}
_CONTEXT = re.compile(r"[A-Za-z0-9_]{1,100}(/[A-Za-z0-9_]{1,100}){0,3}", re.ASCII)


def is_thin(body: Mapping[str, Any]) -> bool:
    """Whether an event holds ids only."""
    return text(body.get("object")).startswith("v2.")


def snapshot_type(kind: str) -> str:
    """The type of the snapshot event that tells the same."""
    return kind.removeprefix(PREFIX)


def announced(about: Parsed, body: Mapping[str, Any], word: str, settings: ProviderSettings | None) -> Parsed:
    """An event about the money of a gift: its object is asked for, where an API key is configured."""
    if not _key(settings):
        return completed(about, facts=_unseen(about.type))
    return completed(about, wanted=f"{word} {path_id(dig(body, 'related_object', 'id'), word)}")


def _key(settings: ProviderSettings | None) -> str:
    return settings.options.get("api_key", "").strip() if settings else ""


def _unseen(kind: str) -> tuple[Fact, ...]:
    sentence = (
        f"{kind} came as a thin event, without amounts: set STRIPE_API_KEY, then replay it; or register the endpoint "
        "for snapshot events."
    )
    return (Flag(text=sentence),)


def ask(body: Mapping[str, Any], wanted: str, settings: ProviderSettings, caller: Caller) -> dict[str, Any]:
    """The object that an event names, as it stands now. Raises FetchFailed or NotUnderstood."""
    word, _, name = wanted.partition(" ")
    headers = {"Authorization": f"Bearer {_key(settings)}", "Stripe-Version": VERSION} | _context(body)
    url = f"{address(settings, ADDRESSES)}/v1/{PATHS[word].format(name)}"
    found = read_answer(caller.get(url, headers=headers))
    if found.get("object") != word or ident(found) != name:
        raise NotUnderstood(f"Stripe answered with something else than the {word} asked for")
    return found


def _context(body: Mapping[str, Any]) -> dict[str, str]:
    """Whose object it is, where a platform asks for that of a connected account. Raises NotUnderstood."""
    told = body.get("context")
    if told is None or told == "":
        return {}
    if not isinstance(told, str) or not _CONTEXT.fullmatch(told):
        raise NotUnderstood("the event's context is no account's")
    return {"Stripe-Context": told}
