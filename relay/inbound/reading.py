"""From a verified delivery to its meaning, whatever the provider's file makes of it: nothing here costs an event."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from relay.config import Mode, Organization, ProviderSettings
from relay.errors import MoneyError, NotUnderstood, Unreadable, WrongMode
from relay.providers import Delivery, Parsed, Provider
from relay.providers.base import understood_as
from relay.providers.calling import Caller
from relay.providers.letters import BROKEN

log = structlog.get_logger(__name__)

# The ids in a fact, by which siblings meet.
_IDS = ("keys", "parent_keys", "refund_keys")
# What odd data makes of a mistake of ours.
_OURS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def parts_of(source: Provider, delivery: Delivery) -> Sequence[Delivery]:
    """The single events inside a delivery; one where they cannot be told apart. Raises Unreadable."""
    try:
        return source.split(delivery) if source.split else (delivery,)
    except NotUnderstood:
        return (delivery,)


def read(source: Provider, delivery: Delivery, settings: ProviderSettings) -> tuple[Parsed, str]:
    """The meaning of a verified body; or what could be read of it, and the reason why that is not all.

    Raises Unreadable: that is the sender's to mend. Anything else is ours, and costs no event.
    """
    try:
        return _told_apart(source.parse(delivery, settings), delivery), ""
    except NotUnderstood as error:
        about, problem = error.about, str(error)
    except _OURS as error:
        log.exception("parser_failed", provider=source.name)
        about, problem = None, f"relay could not read it ({type(error).__name__})"
    return about if isinstance(about, Parsed) else nameless(delivery), problem


def fetched(
    source: Provider, delivery: Delivery, settings: ProviderSettings, caller: Caller, received_at: datetime
) -> Parsed:
    """The meaning of a stored event that needs its provider's API.

    Raises FetchFailed, BadSignature or NotUnderstood, and nothing else: one odd answer must not stop a worker.
    """
    if source.fetch is None:
        raise NotUnderstood(f"{source.name} has no way to complete an event")
    try:
        return _told_apart(source.fetch(delivery, settings, caller, received_at), delivery)
    except (MoneyError, Unreadable) as error:
        raise NotUnderstood(str(error)) from error
    except _OURS as error:
        log.exception("fetching_failed", provider=source.name)
        raise NotUnderstood(f"relay could not read the answer ({type(error).__name__})") from error


def _told_apart(parsed: Parsed, delivery: Delivery) -> Parsed:
    """The same, unless a letter of an id was broken: what it names could be taken for another's, and lost.

    Raises NotUnderstood where it is an id of money; where it is the event's own, its bytes speak for it.
    """
    if BROKEN in parsed.event_id + parsed.delivery_key:
        parsed = replace(parsed, event_id="", delivery_key=nameless(delivery).delivery_key)
    ids = (one for fact in parsed.facts for name in _IDS for one in getattr(fact, name, ()))
    if any(BROKEN in one for one in ids):
        with understood_as(replace(parsed, facts=())):
            raise NotUnderstood("a letter in the id of a payment or refund cannot be read")
    return parsed


def nameless(delivery: Delivery) -> Parsed:
    """A delivery of which nothing is known but its bytes."""
    return Parsed(event_id="", type="", delivery_key=f"sha256:{hashlib.sha256(delivery.body).hexdigest()}")


def check_mode(charity: Organization, parsed: Parsed) -> None:
    """Raises WrongMode for a test event on a live organization, or the reverse."""
    if parsed.live is None or charity.mode is Mode.BOTH:
        return
    if parsed.live != (charity.mode is Mode.LIVE):
        kind = "live" if parsed.live else "test"
        raise WrongMode(f"a {kind} event, but this organization takes {charity.mode} events")
