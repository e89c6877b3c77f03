"""A fortress to attack: the real application on a ledger, two organizations with every provider, people and tokens.

Alder has what is attacked. Birch has the same doors under other secrets; its admin, its token and its processors are
the attackers from inside. See docs/security.md for which test stands against which threat.
"""

import base64
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import func, select

from relay.access import operator
from relay.config import Mode, ProviderSettings
from relay.ledger.models import entries, events
from tests.builders import make_organization
from tests.provider_cases import payloads
from tests.support import genuine, paypal
from tests.support.console import House

BOSS = operator("a test")
METRICS = "metrics-token-of-this-relay"
OF_BIRCH = {
    "adyen": "cd" * 32,
    "authorizenet": "CD" * 64,
    "gofundmepro": "whsec_" + base64.b64encode(b"b" * 24).decode(),
    "standard": "whsec_" + base64.b64encode(b"b" * 24).decode(),
}
ACME = {"acme": ProviderSettings(secrets=("s",))}


def organizations():
    birch = {
        name: replace(told, secrets=(OF_BIRCH.get(name, f"a-secret-of-birch-for-{name}"),))
        for name, told in genuine.SETTINGS.items()
    }
    return (
        make_organization(
            "alder", mode=Mode.BOTH, second_person_above=Decimal(10_000), providers=genuine.SETTINGS | ACME
        ),
        make_organization("birch", mode=Mode.BOTH, providers=birch | ACME),
    )


class Fortress(House):
    """What an attacker stands before."""

    def __init__(self, url, **settings):
        super().__init__(url, *organizations(), metrics_token=METRICS, **settings)
        known = {**self.relay.providers, "paypal": paypal.make_provider()}
        self.relay.providers = self.relay.intake.providers = known
        scopes = ["read", "act", "map"]
        self.tokens = {
            name: self.relay.tokens.add(name, name, scopes, actor=BOSS).secret for name in ("alder", "birch")
        }

    def counts(self):
        """How many events and entries there are: what an attack must not change."""
        with self.database.read() as tx:
            return tuple(
                tx.execute(select(func.count()).select_from(table)).scalar_one() for table in (events, entries)
            )

    def genuine(self, provider, at=None):
        """What this provider would send to alder."""
        body = genuine.form_of(provider) or payloads(provider)[genuine.GIFT[provider]]
        return genuine.sent(provider, body, at or datetime.now(UTC))

    def send(self, provider, delivery, organization="alder", *, headers=None, token=None):
        """Send it to a front door over HTTP."""
        token = delivery.token if token is None else token
        path = f"/webhooks/{organization}/{provider}" + (f"/{token}" if token else "")
        headers = dict(delivery.headers) if headers is None else headers
        return self.client().post(path, data=delivery.body, headers=headers)

    def api(self, whose, method, path, **more):
        """Ask the API with this organization's token."""
        headers = {"Authorization": f"Bearer {self.tokens[whose]}"} | more.pop("headers", {})
        return self.client().open(f"/api/v1{path}", method=method, headers=headers, **more)
