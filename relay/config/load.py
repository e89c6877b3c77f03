"""``load_settings``: everything relay is told, from the environment and the file it names, or every mistake at once.

Nothing else reads the environment: the entry points hand ``os.environ`` to ``load_settings`` once, at start.
"""

from __future__ import annotations

from collections.abc import Mapping

from relay.config.alerts import nobody_sends
from relay.config.authority import read_authority
from relay.config.environment import read_environment
from relay.config.organization import Settings
from relay.config.problems import sentence
from relay.config.process import read_process
from relay.config.toml import Source, read_file
from relay.errors import ConfigurationError

NOTHING = (
    "LUMINATE_URL or RELAY_CONFIG: no organization is configured; set the LUMINATE_ variables for one, "
    "or name a TOML file with any number of them."
)


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read and check everything. A variable that is blank counts as not set.

    Raises ConfigurationError with one sentence for each mistake, each naming its place, none repeating a value.
    """
    values, problems = read_process(environ)
    path = environ.get("RELAY_CONFIG", "").strip()
    file = read_file(path, environ) if path else Source()
    own = read_environment(environ, file.used)
    problems += [*own.problems, *file.problems, *_twice(own, file)]
    if not own.names and not file.names and not own.problems and not file.problems:
        problems.append(NOTHING)
    organizations = {**own.organizations, **file.organizations}
    authority, wrong = read_authority(environ, organizations)
    wrong += nobody_sends(environ, {name: one.alerts for name, one in organizations.items()})
    if problems := problems + wrong:
        raise ConfigurationError(problems)
    return Settings(organizations=organizations, demo_authority=authority, **values)


def _twice(own: Source, file: Source) -> list[str]:
    """An organization that both sources describe."""
    return [
        sentence(file.names[name], f"is also described by environment variables ({own.names[name]}); rename one")
        for name in own.names
        if name in file.names
    ]
