"""The whole examination, part by part, in the order in which one needs the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

from redis import Redis

from relay.config import Organization, Settings
from relay.doctor import configuration, house, outlets
from relay.doctor.checks import Check, Level
from relay.doctor.encryption import encryption
from relay.doctor.site import site
from relay.doctor.soap import soap
from relay.doctor.sources import sources
from relay.ledger import claims, connections, pauses, search
from relay.ledger.db import Database
from relay.ledger.funds import with_funds
from relay.luminate.client import LuminateClient
from relay.luminate.soap import SoapReader
from relay.status import Kind


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined."""

    settings: Settings
    database: Database
    redis: Redis
    providers: Collection[str]
    client_for: Callable[[Organization], LuminateClient]
    soap_for: Callable[[Organization], SoapReader | None]


def examine(patient: Patient) -> Iterator[Check]:
    """Look at everything; each check comes as soon as it is known. Nothing is changed anywhere."""
    has_tables = True
    for check in house.database(patient.database):
        has_tables = has_tables and check.level is not Level.FAILED
        yield check
    yield from house.redis_server(patient.redis)
    if has_tables:
        yield from encryption(patient.database)
        yield from _sweeps(patient.database)
    yield from outlets.mail(patient.settings.mail)
    settings = _with_funds(patient) if has_tables else patient.settings
    yield from configuration.settings(settings, patient.providers)
    for organization in settings.organizations.values():
        if has_tables:
            yield from _ledger(patient.database, organization)
            yield from sources(patient.settings, patient.database, organization)
        yield from luminate(patient, organization, has_tables=has_tables)
        yield from soap(organization, patient.soap_for(organization))
        yield from outlets.hooks(organization)


def luminate(patient: Patient, organization: Organization, *, has_tables: bool = True) -> Iterator[Check]:
    """One organization's Luminate site; without the tables nothing has been proven by doing."""
    proven = _proven(patient.database, organization) if has_tables else set()
    yield from site(organization, patient.client_for(organization), proven)


def _sweeps(database: Database) -> Iterator[Check]:
    with database.read() as tx:
        seen, now = connections.last_swept(tx), database.now(tx)
    yield from house.sweeps(seen, now)


def _with_funds(patient: Patient) -> Settings:
    """The settings with the fund maps that are in force, edits in the console among them."""
    with patient.database.read() as tx:
        known = patient.settings.organizations.items()
        return replace(patient.settings, organizations={name: with_funds(tx, one) for name, one in known})


def _ledger(database: Database, organization: Organization) -> Iterator[Check]:
    with database.read() as tx:
        paused, now = pauses.of(tx, organization.name), database.now(tx)
        due = claims.next_due_at(tx, organization.name)
        others = search.posted_by_others(tx, organization.name, organization.luminate.login_name)
    yield from configuration.pause(organization, paused)
    yield from configuration.backlog(organization, due, now, paused=paused is not None)
    yield from configuration.account(organization, others)


def _proven(database: Database, organization: Organization) -> set[Kind]:
    with database.read() as tx:
        return search.posted_by(tx, organization.name, organization.luminate.login_name)
