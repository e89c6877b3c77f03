"""The doctor on what relay was told. Mistakes never get this far: with one, nothing starts (relay.config.load)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from urllib.parse import urlsplit

from relay import words
from relay.config import Mode, Organization, Settings
from relay.doctor.checks import Check, failed, ok, warning
from relay.ledger.pauses import Pause


def settings(told: Settings, providers: Collection[str]) -> Iterator[Check]:
    """What is configured, in counts: no secret is shown."""
    yield ok("configuration", f"{words.count(len(told.organizations), 'organization')} configured, no mistake found.")
    for organization in told.organizations.values():
        yield from _organization(organization, providers)


def _organization(organization: Organization, providers: Collection[str]) -> Iterator[Check]:
    name = f"{organization.name}: configuration"
    unknown = sorted(set(organization.providers) - set(providers))
    if unknown:
        sentence = f"This relay does not know the providers {', '.join(unknown)}."
        yield failed(name, sentence, "Upgrade relay, or take them out of the configuration.")
    secrets = [
        f"{provider} with {words.count(len(one.secrets), 'secret')}" for provider, one in organization.providers.items()
    ]
    pace = organization.pace
    shown = f"{words.count(pace.max_in_flight, 'call')} at a time, {pace.settle_seconds:g} s to settle"
    funds = words.count(len(organization.funds), "fund")
    if not organization.providers:
        yield failed(name, "No provider is configured: nothing can come in.", "Set the secret of a provider.")
    else:
        yield ok(name, f"{', '.join(secrets)}; {funds}; {organization.currency}; {shown}.")
    yield from _doubts(organization)


def _doubts(organization: Organization) -> Iterator[Check]:
    mode = organization.mode
    here = urlsplit(organization.luminate.url).hostname in {"localhost", "127.0.0.1", "::1"}
    if mode is Mode.TEST:
        yield warning(
            f"{organization.name}: mode",
            "It takes test events only; live gifts are refused.",
            "Set the mode to live when it goes live.",
        )
    if mode is Mode.BOTH and not here:
        yield warning(
            f"{organization.name}: mode",
            "It takes test events and live ones alike, into the same Luminate.",
            "Set the mode to live; both is for demonstrations.",
        )
    if here:
        yield warning(
            f"{organization.name}: address",
            "Its Luminate is on this machine: a sandbox, not the real one.",
            "Set the address of the real site when it goes live.",
        )
    if organization.luminate.soap_user.lower() == organization.luminate.login_name.lower():
        yield warning(
            f"{organization.name}: SOAP account",
            "The same account posts gifts and looks them up over SOAP; one of the two is likely to be refused.",
            "Make an API administrator account of its own for SOAP.",
        )


def pause(organization: Organization, found: Pause | None) -> Iterator[Check]:
    """Whether its posting is paused."""
    if found is None:
        return
    since = words.minute(found.since, organization.time_zone)
    sentence = f"Posting is paused since {since} by {found.who}: {found.reason_text}"
    what_to_do = f"Mend the cause, then `flask resume {organization.name}`."
    if found.check_at is not None:
        checked = words.minute(found.check_at, organization.time_zone)
        what_to_do = f"Mend the cause; relay looks again at {checked}, or `flask resume {organization.name}`."
    yield warning(f"{organization.name}: pause", sentence, what_to_do)


def backlog(organization: Organization, due: datetime | None, now: datetime, *, paused: bool) -> Iterator[Check]:
    """Whether something has been due for long, and nobody sends it."""
    if paused or due is None or (now - due).total_seconds() < 900:
        return
    sentence = f"Something has been due since {words.minute(due, organization.time_zone)} and was not sent."
    yield warning(f"{organization.name}: backlog", sentence, "Start `flask work`, and see what it says.")


def account(organization: Organization, others: int) -> Iterator[Check]:
    """Whether gifts in Luminate belong to another account than the configured one."""
    if others:
        yield warning(
            f"{organization.name}: account",
            f"Another API account recorded {words.count(others, 'gift')}, and Luminate lets only that one refund them.",
            "Keep to one account for gifts; refund these in Luminate by hand, or configure their account again.",
        )
