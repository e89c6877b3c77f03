"""Whether credentials are still the ones that were checked: a keyed digest of each, which gives none of them away."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from relay.config import LuminateSettings, MailServer, Organization, Settings
from relay.ledger import connections
from relay.ledger.connections import Known

LUMINATE, SOAP, HOOKS, MAIL = "luminate", "soap", "alert webhooks", "mail"
_SOURCE = "from "


def source(provider: str) -> str:
    """What the connection is called that a provider's events come over."""
    return f"{_SOURCE}{provider}"


def provider_of(endpoint: str) -> str:
    """The provider of such a connection; "" for any other."""
    return endpoint.removeprefix(_SOURCE) if endpoint.startswith(_SOURCE) else ""


def of_organization(settings: Settings, organization: Organization) -> dict[str, str]:
    """Connection -> fingerprint, for everything that is configured for one organization."""
    site = organization.luminate
    parts: dict[str, tuple[str, ...]] = {LUMINATE: _rest(site)}
    if site.soap_url:
        parts[SOAP] = (site.soap_url, site.soap_user, site.soap_password, site.proxy)
    parts |= {source(provider): one.secrets for provider, one in sorted(organization.providers.items())}
    if organization.alerts.webhooks:
        parts[HOOKS] = organization.alerts.webhooks
    return {endpoint: _fingerprint(settings, organization.name, endpoint, *told) for endpoint, told in parts.items()}


def of_relay(settings: Settings) -> dict[str, str]:
    """The same for what the whole relay has in common."""
    return {MAIL: _fingerprint(settings, MAIL, *_server(settings.mail))} if settings.mail else {}


def _rest(site: LuminateSettings) -> tuple[str, ...]:
    return (site.url, site.api_key, site.login_name, site.login_password, site.center_id, site.proxy)


def _server(mail: MailServer) -> tuple[str, ...]:
    return (mail.host, str(mail.port), mail.security, mail.user, mail.password, mail.sender)


def _fingerprint(settings: Settings, *told: str) -> str:
    """The same for the same credentials, as long as SECRET_KEY is; a key made up at the start compares nothing."""
    if not settings.secret_is_kept:
        return ""
    key = hashlib.sha256(b"relay: fingerprints of connections\n" + settings.secret_key.encode()).digest()
    return hmac.new(key, json.dumps(told).encode(), hashlib.sha256).hexdigest()


def changes(settings: Settings, tx: Connection, organization: Organization, now: datetime) -> Mapping[str, datetime]:
    """Provider -> since when other secrets than before are in force, where they ever were others."""
    known = connections.known(tx, [organization.name])
    found = {
        provider_of(endpoint): changed_since(known.get((organization.name, endpoint)), fingerprint, now)
        for endpoint, fingerprint in of_organization(settings, organization).items()
    }
    return {provider: since for provider, since in found.items() if provider and since}


def changed_since(known: Known | None, fingerprint: str, now: datetime) -> datetime | None:
    """Since when others than before are in force: this moment, where no worker has met them yet."""
    if known is None:
        return None
    if known.fingerprint != fingerprint:
        return now
    return known.since if known.replaced else None
