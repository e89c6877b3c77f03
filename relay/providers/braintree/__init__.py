"""Braintree: a form with a signature for each API key, and XML in base64.

https://developer.paypal.com/braintree/docs/guides/webhooks/overview. What to switch on at Braintree, and why the odd
ones are read as they are: docs/providers/braintree.md.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from relay.config import ProviderSettings
from relay.config.provider_names import split_secrets
from relay.errors import BadSignature, MoneyError, NotUnderstood, Unreadable
from relay.gifts import Flag
from relay.providers.base import Delivery, Parsed, Provider, delivery_key, stranger, text, understood_as
from relay.providers.braintree import returns, transactions
from relay.providers.braintree.event import Event, Handler, Reading
from relay.providers.braintree.opening import PAYLOAD, SIGNATURE, form_of, notification_in, scrub
from relay.providers.signatures import place_of_match
from relay.providers.times import instant

MAX_TYPE = 100
_CHALLENGE = re.compile(r"[a-f0-9]{20,32}", re.ASCII)

# kind -> who reads it. Everything else is kept, counted and ignored.
EVENTS: Mapping[str, Handler] = {
    "subscription_charged_successfully": transactions.subscription,
    "transaction_settled": transactions.settled,
    "transaction_disbursed": transactions.disbursed,
    "local_payment_completed": transactions.local_payment,
    "local_payment_funded": transactions.local_payment,
    "local_payment_reversed": returns.local_payment_reversed,
    "transaction_settlement_declined": returns.settlement_declined,
    "refund_failed": returns.refund_failed,
    "dispute_opened": returns.notice,
    "dispute_under_review": returns.notice,
    "dispute_disputed": returns.notice,
    "dispute_lost": returns.lost,
    "dispute_accepted": returns.lost,
    "dispute_auto_accepted": returns.lost,
    "dispute_expired": returns.lost,
    "dispute_won": returns.won,
}
# Of the others, why these bring nothing.
WHY_NOT = {
    "check": "a test of the endpoint",
    "disbursement": "a payout of many gifts at once",
    "disbursement_exception": "a payout that did not get through; the gifts stay",
    "local_payment_expired": "the donor did not finish paying",
    "subscription_charged_unsuccessfully": "the payment failed",
    "transaction_reviewed": "the fraud review of a transaction; no money moved",
}
# Kinds that begin like this move money: a new one is shown to a person.
FAMILIES = ("dispute_", "refund_", "local_payment_")


# --- verify: https://developer.paypal.com/braintree/docs/guides/webhooks/parse ---------------------------------------


def verify(delivery: Delivery, settings: ProviderSettings, now: datetime) -> int:  # noqa: ARG001  # no time is signed
    """The place of the private key that signed the payload. Raises BadSignature.

    ``bt_signature`` is a list of ``public key|signature``, one for each API key. A private key counts only together
    with its own public key, which stands at the same place in the option.
    """
    try:
        form = form_of(delivery.body)
    except Unreadable as error:
        raise BadSignature(str(error)) from None
    publics = _publics(settings)

    def expected(secret: str) -> str:
        return f"{publics[secret]}|{_mac(secret, form[PAYLOAD])}"

    usable = [secret if secret in publics else "" for secret in settings.secrets]
    return place_of_match(usable, expected, form[SIGNATURE].split("&"), SIGNATURE)


def _publics(settings: ProviderSettings) -> dict[str, str]:
    """The public key of each private key, by place; a private key without a partner is left out."""
    keys: Sequence[str] = split_secrets(settings.options.get("public_key", ""))
    return dict(zip(settings.secrets, keys, strict=False))


def _mac(private_key: str, message: str) -> str:
    """HMAC-SHA1 in hexadecimal digits; the key is the SHA-1 of the private key. Braintree's rule, not ours."""
    key = hashlib.sha1(private_key.encode()).digest()  # noqa: S324  # nosec B324  # Braintree's rule
    return hmac.new(key, message.encode(), hashlib.sha1).hexdigest()


def challenge(query: Mapping[str, str], settings: ProviderSettings) -> str:
    """The answer to ``?bt_challenge=``: the first public key, and the challenge signed. Raises BadSignature.

    Only what looks like a challenge is signed: no notification is 20 to 32 hexadecimal digits.
    """
    asked, publics = query.get("bt_challenge", ""), _publics(settings)
    usable = [secret for secret in settings.secrets if secret.strip() and publics.get(secret)]
    if not _CHALLENGE.fullmatch(asked) or not usable:
        raise BadSignature("not a challenge of Braintree's, or no pair of keys to answer it")
    return f"{publics[usable[0]]}|{_mac(usable[0], asked)}"


# --- parse -----------------------------------------------------------------------------------------------------------


def parse(delivery: Delivery, settings: ProviderSettings | None = None) -> Parsed:
    """What a stored notification says. Raises Unreadable, or NotUnderstood (genuine, yet not readable)."""
    told = notification_in(delivery.body)
    kind = text(told.get("kind"))[:MAX_TYPE]
    about = Parsed(
        event_id="",
        type=kind,
        delivery_key=delivery_key(form_of(delivery.body)[PAYLOAD].encode()),
        occurred_at=instant(told.get("timestamp")),
    )
    with understood_as(about):
        if not kind:
            raise NotUnderstood("the notification has no kind")
        read = _read(kind, told, about.occurred_at, settings.options if settings else {})
    return replace(about, note=read) if isinstance(read, str) else replace(about, facts=read)


def _read(kind: str, told: dict[str, Any], created: datetime | None, options: Mapping[str, str]) -> Reading:
    handler, subject = EVENTS.get(kind), told.get("subject")
    if handler is None:
        known = WHY_NOT.get(kind, "")
        return known or stranger(kind, FAMILIES) or "not about the money of a gift"
    if not isinstance(subject, dict):
        return (Flag(text=f"{kind} came without its subject: look at Braintree."),)
    try:
        return handler(Event(kind, subject, created, options))
    except MoneyError as error:
        raise NotUnderstood(f"{kind}: {error}") from error


BRAINTREE = Provider(name="braintree", verify=verify, parse=parse, challenge=challenge, scrub=scrub)
