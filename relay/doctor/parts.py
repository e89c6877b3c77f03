"""What relay is connected to, part by part: whose it is, with which credentials, and how the doctor looks at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from relay.access import EVERYWHERE
from relay.config import Organization
from relay.doctor import credentials, examination, outlets
from relay.doctor.checks import Check
from relay.doctor.examination import Patient
from relay.doctor.soap import soap
from relay.ledger.funds import with_funds


@dataclass(frozen=True, slots=True)
class Part:
    """One connection. ``look`` calls somebody, so a worker does it; None: the ledger alone tells about it."""

    organization: str
    endpoint: str
    fingerprint: str
    look: Callable[[], Iterator[Check]] | None


def scopes(patient: Patient) -> tuple[str, ...]:
    """What is checked together: the relay itself, and each organization."""
    return (EVERYWHERE, *patient.settings.organizations)


def parts(patient: Patient, scope: str) -> list[Part]:
    """The connections of one of these."""
    if scope == EVERYWHERE:
        looks = {credentials.MAIL: partial(outlets.mail, patient.settings.mail)}
        prints = credentials.of_relay(patient.settings)
    else:
        organization = patient.settings.organizations[scope]
        looks = _looks(patient, organization)
        prints = credentials.of_organization(patient.settings, organization)
    return [Part(scope, endpoint, fingerprint, looks.get(endpoint)) for endpoint, fingerprint in prints.items()]


def _looks(patient: Patient, organization: Organization) -> dict[str, partial[Iterator[Check]]]:
    return {
        credentials.LUMINATE: partial(_luminate, patient, organization),
        credentials.SOAP: partial(_soap, patient, organization),
        credentials.HOOKS: partial(outlets.hooks, organization),
    }


def _luminate(patient: Patient, organization: Organization) -> Iterator[Check]:
    with patient.database.read() as tx:
        mapped = with_funds(tx, organization)
    yield from examination.luminate(patient, mapped)


def _soap(patient: Patient, organization: Organization) -> Iterator[Check]:
    yield from soap(organization, patient.soap_for(organization))
