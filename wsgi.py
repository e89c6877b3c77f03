"""What gunicorn and ``flask`` find: the application around the environment's settings."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from relay.app import create_app
from relay.bootstrap import build
from relay.config import load_settings
from relay.config.demo import demo_environment
from relay.errors import ConfigurationError

# Flask's own commands that want every page; it loads this file before it knows which of ours was asked for.
WANT_PAGES = ("run", "routes", "shell")

command = click.get_current_context(silent=True)
demo = demo_environment(os.environ, Path(__file__).with_name("var") / "demo.env")
if demo:
    sys.stderr.write("No configuration in the environment: using that of `make run` (var/demo.env).\n")

try:
    # gunicorn, where there is no command: all pages. `flask work` and the others: none.
    app = create_app(build(load_settings(demo or os.environ)), serves=not command or command.info_name in WANT_PAGES)
except ConfigurationError as error:
    sys.exit("relay cannot start; mend its configuration:\n- " + "\n- ".join(error.problems))
