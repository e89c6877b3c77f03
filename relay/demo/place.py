"""Where the demo keeps its things, and what it tells relay: the organization `demo` and its settings.

The secrets are published on purpose, so that anyone can sign an event of their own. They open a sandbox.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from relay.config.demo import written
from relay.config.environment import VARIABLES

REPOSITORY = Path(__file__).resolve().parents[2]
ORGANIZATION = "demo"
STRIPE_SECRET = "whsec_relay_demo"  # noqa: S105 - published on purpose
STANDARD_SECRET = "whsec_cmVsYXkgZGVtbyBzZWNyZXQsIG5vdCBhIHNlY3JldA=="  # noqa: S105 - published on purpose

CONFIGURATION = """\
# Written by `make run` at every start; docs/configuration.md explains each key.

[organizations.demo]
title = "The charity of the demo"
mode = "both"
refunded_unposted = "both"
currency = "USD"
form_id = 1261
level_id = 1530

[organizations.demo.luminate]
url = "{sandbox}/demo/site"
api_key = "demo-api-key"
login_name = "demo-api-user"
login_password = "demo-api-password"
validate = true

[organizations.demo.providers.stripe]
secrets = ["{stripe}"]

[organizations.demo.providers.standard]
secrets = ["{standard}"]

[organizations.demo.funds.LIBRARY]
designee_id = 1001

[organizations.demo.funds.SCHOLARSHIPS]
designee_id = 1002

[organizations.demo.funds.WATER]
designee_id = 1003

[organizations.demo.funds.CHOIR]
write_in = "Choir trip"

# The form of the gala asks for a postal address; the other one does not.
[organizations.demo.funds.GALA]
form_id = 1260
level_id = 1523
"""

SETTINGS = """\
# Written by `make run` at every start. `flask` commands use it where the environment has no configuration.
{lines}"""


@dataclass(frozen=True, slots=True)
class Place:
    """The directory of one demo (`var/`) and its two ports."""

    var: Path
    port: int
    sandbox_port: int

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    @property
    def logs(self) -> Path:
        return self.var / "log"

    def prepare(self) -> None:
        """Make the directories."""
        self.logs.mkdir(parents=True, exist_ok=True)

    def settle(self, redis_url: str) -> dict[str, str]:
        """Write `demo.toml` and `demo.env`, and give back the environment of the demo's processes."""
        config = self.var / "demo.toml"
        config.write_text(
            CONFIGURATION.format(sandbox=self.sandbox, stripe=STRIPE_SECRET, standard=STANDARD_SECRET),
            encoding="utf-8",
        )
        settings = {
            "DATABASE_URL": f"sqlite:///{self.var / 'relay.sqlite3'}",
            "REDIS_URL": redis_url,
            "RELAY_CONFIG": str(config),
        }
        (self.var / "demo.env").write_text(SETTINGS.format(lines=written(settings)), encoding="utf-8")
        return {**bare(os.environ), **settings}


def bare(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without anything that would configure relay or Flask otherwise than the demo does."""
    mine = {*VARIABLES, "PORT", "FLASK_APP", "FLASK_DEBUG", "GUNICORN_CMD_ARGS", "WEB_CONCURRENCY"}
    return {
        name: value
        for name, value in environ.items()
        if name not in mine and not name.startswith(("LUMINATE_", "RELAY_")) and not name.endswith("_WEBHOOK_SECRET")
    }
