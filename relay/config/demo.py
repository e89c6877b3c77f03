"""What `make run` left for other terminals: the settings a command takes where nobody has told it any.

`make run` writes them to `var/demo.env`, so that `flask gifts` beside it needs no variables. They count only where
relay is told nothing else, and never on a platform. `wsgi.py` asks, and says so; `load_settings` knows nothing of it.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from relay.config.environment import VARIABLES
from relay.config.process import platform

# They change what relay prints or takes, or tell tests where samples are; not whom relay works for.
_MANNERS = frozenset({"RELAY_LOG_FORMAT", "RELAY_LOG_LEVEL", "RELAY_MAX_BODY_BYTES", "RELAY_PAYLOADS", "RELAY_VECTORS"})


def demo_environment(environ: Mapping[str, str], file: Path) -> Mapping[str, str] | None:
    """`environ` with the demo's settings from `file`; None where relay is told anything, or there was no demo."""
    if platform(environ) or any(_configures(name) and value.strip() for name, value in environ.items()):
        return None
    try:
        return {**environ, **read(file.read_text(encoding="utf-8"))}
    except OSError:
        return None


def written(values: Mapping[str, str]) -> str:
    """NAME=value lines as a shell reads them, too."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())


def read(text: str) -> dict[str, str]:
    """The reverse of `written`; comments are left out."""
    pairs = (word.partition("=") for word in shlex.split(text, comments=True))
    return {name: value for name, _equals, value in pairs}


def _configures(name: str) -> bool:
    """Whether a variable tells relay whom to work for, or was meant to (a slip of the pen is not silence)."""
    if name in _MANNERS:
        return False
    ours = name.startswith(("LUMINATE_", "RELAY_")) or name.endswith(("_WEBHOOK_SECRET", "_WEBHOOK_SECRETS"))
    return ours or name in VARIABLES
