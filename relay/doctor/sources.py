"""The doctor on what comes in: for each provider its last event, its last refusals, and the secret that matched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection

from relay import words
from relay.config import Organization, Settings
from relay.doctor.checks import Check, Level, warning
from relay.doctor.credentials import changes
from relay.errors import BadSignature, WrongMode
from relay.ledger import arrivals, refusals
from relay.ledger.arrivals import Arrivals
from relay.ledger.db import Database
from relay.ledger.refusals import Refused

# A secret that matched nothing for so long, while another did, is not used any more: Stripe, Square and Adyen let an
# old one live for a day at most.
UNUSED = timedelta(days=2)

# Reason left; what the refused events were, and what to do where nothing good has come since.
_REFUSED: Mapping[str, tuple[str, str]] = {
    BadSignature.reason: (
        "with a bad signature",
        "Compare the secret with the provider's. If the provider's own log shows no failure, somebody else sent them.",
    ),
    WrongMode.reason: (
        "of the wrong mode (test or live)",
        "Send test events to an organization in test mode, live ones to one in live mode.",
    ),
}
_OTHERWISE = ("({reason})", "See in the provider's log what it sent, and what relay answered.")


def sources(told: Settings, database: Database, organization: Organization) -> Iterator[Check]:
    """One check for each configured provider, and one for its API where events wait for it."""
    with database.read() as tx:
        now = database.now(tx)
        changed = changes(told, tx, organization, now)
        for provider in organization.providers:
            yield from source(tx, now, organization, provider, changed.get(provider))


def source(
    tx: Connection, now: datetime, organization: Organization, provider: str, changed: datetime | None
) -> Iterator[Check]:
    """One provider. ``changed``: since when other secrets than before are in force; None: they never were others."""
    yield _comes(tx, now, organization, provider, changed)
    yield from _waits(tx, organization, provider)


def _comes(tx: Connection, now: datetime, organization: Organization, provider: str, changed: datetime | None) -> Check:
    secrets = len(organization.providers[provider].secrets)
    came = arrivals.told(tx, now, organization.name, provider, secrets, changed)
    refused = refusals.told(tx, organization.name, provider, now)
    return _source(organization, provider, secrets, came, refused, changed)


def _waits(tx: Connection, organization: Organization, provider: str) -> Iterator[Check]:
    found = arrivals.asked_in_vain(tx, organization.name, provider)
    if found is None:
        return
    oldest = words.minute(found.oldest, organization.time_zone)
    waiting = words.count(found.count, "event waits", "events wait")
    sentence = f"{waiting} for an answer of its API, the oldest since {oldest}. The last try: {found.note}."
    what_to_do = "relay asks again by itself. If it stays so, see the provider's status page and the credentials."
    yield warning(f"{organization.name}: {provider} API", sentence, what_to_do)


def _source(
    organization: Organization,
    provider: str,
    secrets: int,
    came: Arrivals,
    refused: Mapping[str, Refused],
    changed: datetime | None,
) -> Check:
    sentences, advice = [_last_event(organization, came, secrets, changed)], []
    if changed and came.last_secret is None:
        advice.append("The next event will show whether they are right; a test event does it now.")
    elif came.last_at is None:
        advice.append(f"Let the provider send a test event to /webhooks/{organization.name}/{provider}.")
    for reason, one in refused.items():
        what, what_to_do = _REFUSED.get(reason, _OTHERWISE)
        at = words.minute(one.last_at, organization.time_zone)
        recently = f", {one.recently:,} since yesterday" if one.recently else ""
        sentences.append(f"Last refused {what.format(reason=reason)}: {at}{recently}.")
        if one.recently and (came.last_at is None or came.last_at < one.last_at):
            advice.append(what_to_do)
    for place in range(secrets):
        advice += _spare(organization, place, came)
    level = Level.WARNING if advice else Level.OK
    name = f"{organization.name}: {provider}"
    return Check(name, level, " ".join(sentences), " ".join(advice), _details(came, refused))


def _last_event(organization: Organization, came: Arrivals, secrets: int, changed: datetime | None) -> str:
    if came.last_at is None:
        return "No event has come yet."
    sentence = f"Last event: {words.minute(came.last_at, organization.time_zone)}"
    if came.last_secret is None and changed:
        since = words.minute(changed, organization.time_zone)
        return f"{sentence}; the secrets were changed, and none has been proven since ({since})."
    if came.last_secret is None:
        return f"{sentence}; none was proven by a secret yet."
    return f"{sentence}; secret {came.last_secret + 1} of {secrets} matched last."


def _spare(organization: Organization, place: int, came: Arrivals) -> Iterator[str]:
    """Of several secrets, the one that no event needs: the old one after a rotation, or the new one before it."""
    last = came.last_secret
    if last is None or place == last:
        return
    used = came.secrets.get(place)
    if used is None:
        yield (
            f"Secret {place + 1} has matched nothing in {arrivals.DAYS} days: if it is the new one, the provider "
            "does not sign with it yet, or it is wrong; if it is the old one, take it out once an event has come "
            "since you added the new one."
        )
    elif came.secrets[last] - used >= UNUSED:
        at = words.minute(used, organization.time_zone)
        yield f"Secret {place + 1} has matched nothing since {at}: if it is the old one of a rotation, take it out."


def _details(came: Arrivals, refused: Mapping[str, Refused]) -> Mapping[str, object]:
    bad = refused.get(BadSignature.reason)
    return {
        "last_event_at": _iso(came.last_at),
        "last_secret": None if came.last_secret is None else came.last_secret + 1,
        "secrets": {str(place + 1): _iso(at) for place, at in sorted(came.secrets.items())},
        "last_bad_signature_at": _iso(bad.last_at if bad else None),
        "bad_signatures_since_yesterday": bad.recently if bad else 0,
        "refused": {
            reason: {"last_at": _iso(one.last_at), "since_yesterday": one.recently} for reason, one in refused.items()
        },
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
