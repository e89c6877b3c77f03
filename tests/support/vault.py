"""A backup of a ledger, on both databases: taken at a moment, and restored beside a Luminate that forgets nothing."""

import itertools
import shutil
from contextlib import suppress
from datetime import UTC, datetime

from sqlalchemy import make_url

from tests.builders import make_relay
from tests.fakes import FakeLuminate
from tests.support.databases import run


class Remembering(FakeLuminate):
    """Luminate, which knows when it recorded what, and shows it to whoever looks up."""

    def __init__(self, now):
        super().__init__()
        self.now, self.rows = now, []

    def record(self, method, parameters):
        code = super().record(method, parameters)
        is_refund = method == "refund"
        gift = self.gifts[parameters["refund_user_confirm_code"]] if is_refund else parameters
        told = {"code": parameters["refund_user_confirm_code"] if is_refund else code, "email": gift["donor.email"]}
        told["amount"] = parameters["refund_amount"] if is_refund else parameters["other_amount"]
        self.rows.append(told | {"kind": "REFUND" if is_refund else "DONATION", "at": self.now()})
        return code


class Vault:
    """Keeps one backup of a relay's ledger."""

    def __init__(self, relay):
        self.relay = relay
        url = make_url(relay.settings.database_url)
        self.copy = url.set(database=f"{url.database}_backup")
        self.is_file = url.get_backend_name() == "sqlite"

    def back_up(self):
        """Copy the ledger as it is; gives back when, by the ledger's clock."""
        database = self.relay.database
        database.engine.dispose()
        if self.is_file:
            shutil.copy(database.engine.url.database, self.copy.database)
        else:
            name, source = self.copy.database, database.engine.url.database
            self._run(f'DROP DATABASE IF EXISTS "{name}"', f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
        return datetime.now(UTC) + database.ahead

    def restored(self):
        """The same world with the ledger of the backup: Luminate remembers what the ledger has forgotten."""
        self.relay.database.engine.dispose()
        again = make_relay(self.copy.render_as_string(hide_password=False), *self.relay.settings.organizations.values())
        again.luminate, again.provider.numbers = self.relay.luminate, itertools.count(10_000)
        again.database.ahead = self.relay.database.ahead
        self.again = again
        return again

    def close(self):
        """Leave nothing behind on the server."""
        with suppress(AttributeError):
            self.again.database.engine.dispose()
        if not self.is_file:
            self._run(f'DROP DATABASE IF EXISTS "{self.copy.database}" WITH (FORCE)')

    def _run(self, *statements):
        run(self.copy.set(database="postgres").render_as_string(hide_password=False), *statements)
