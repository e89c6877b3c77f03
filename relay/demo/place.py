"""Where the demo keeps its things, and what it tells relay: the organization `demo` and its settings.

The secrets are published on purpose, so that anyone can sign an event of their own. They open a sandbox.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from relay.config.demo import written
from relay.config.environment import VARIABLES
from relay.demo.announcements import ANNOUNCEMENTS, Announced

REPOSITORY = Path(__file__).resolve().parents[2]
ORGANIZATION = "demo"

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
ACCOUNT = """
[organizations.demo.providers.{provider}]
secrets = [{secret}]
options = {{{options}}}
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

    def settle(self, redis_url: str, apis_url: str, authority: Path) -> dict[str, str]:
        """Write `demo.toml` and `demo.env`, and give back the environment of the demo's processes.

        ``apis_url`` is where the providers' APIs are, ``authority`` the file with whom PayPal's key is proven by.
        """
        config = self.var / "demo.toml"
        accounts = "".join(_account(one, apis_url) for one in ANNOUNCEMENTS.values())
        config.write_text(CONFIGURATION.format(sandbox=self.sandbox) + accounts, encoding="utf-8")
        settings = {
            "DATABASE_URL": f"sqlite:///{self.var / 'relay.sqlite3'}",
            "REDIS_URL": redis_url,
            "RELAY_CONFIG": str(config),
            "RELAY_DEMO_AUTHORITY": str(authority),
        }
        (self.var / "demo.env").write_text(SETTINGS.format(lines=written(settings)), encoding="utf-8")
        return {**bare(os.environ), **settings}


def _account(announced: Announced, apis_url: str) -> str:
    """The demo's account at one provider. A text of JSON is a text of TOML."""
    options = dict(announced.options)
    if announced.answers:
        options["api_url"] = f"{apis_url}/{announced.provider}{announced.api_path}"
    written = ", ".join(f"{name} = {json.dumps(value)}" for name, value in options.items())
    return ACCOUNT.format(provider=announced.provider, secret=json.dumps(announced.secret), options=written)


def bare(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without anything that would configure relay or Flask otherwise than the demo does."""
    mine = {*VARIABLES, "PORT", "FLASK_APP", "FLASK_DEBUG", "GUNICORN_CMD_ARGS", "WEB_CONCURRENCY"}
    return {
        name: value
        for name, value in environ.items()
        if name not in mine and not name.startswith(("LUMINATE_", "RELAY_")) and not name.endswith("_WEBHOOK_SECRET")
    }
