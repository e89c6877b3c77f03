"""Deliveries through the front door into a ledger of their own, and the entries they leave behind."""

import itertools

from sqlalchemy import select

from relay.config import FormLevel, Fund, LuminateSettings, Mode, Organization, Settings
from relay.inbound.intake import Intake
from relay.ledger.models import entries
from relay.providers import PROVIDERS
from tests.builders import ClockedDatabase
from tests.provider_cases import NOW
from tests.support.engines import make_tables


class SilentBell:
    def ring(self, organization):
        return True


def charity(provider, settings, currency="USD"):
    """An organization with one provider that takes live and test events."""
    return Organization(
        name="alder",
        luminate=LuminateSettings(url="https://example.org/site", api_key="k", login_name="u", login_password="p"),
        form=FormLevel(form_id=1, level_id=2),
        mode=Mode.BOTH,
        currency=currency,
        funds={code: Fund(code=code, designee_id=number) for number, code in enumerate(("WATER", "LIBRARY"), 1)},
        providers={provider: settings},
    )


def entries_after(path, whose, deliveries):
    """The entries (none that was folded into another) that these deliveries make, in this order."""
    (provider,) = whose.providers
    settings = Settings(database_url="", redis_url="", secret_key="", organizations={"alder": whose})
    path.unlink(missing_ok=True)
    database = ClockedDatabase(f"sqlite:///{path}")
    make_tables(database.engine)
    intake = Intake(settings, database, PROVIDERS, SilentBell(), clock=lambda: NOW)
    for delivery in deliveries:
        intake.take("alder", provider, delivery)
    with database.read() as tx:
        found = tx.execute(select(entries).where(entries.c.merged_into.is_(None))).mappings().all()
    database.dispose()
    return found


def in_every_order(path, whose, deliveries):
    """What is left after each order: kind, amount, status and reason, sorted. A set with one member is right."""
    told = ("kind", "amount", "status", "refund_reason")
    return {
        tuple(sorted(tuple(str(entry[name]) for name in told) for entry in entries_after(path, whose, order)))
        for order in itertools.permutations(deliveries)
    }
