"""What gunicorn and ``flask`` find: the application around the environment's settings."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from relay.app import create_app
from relay.bootstrap import build
from relay.config import load_settings
from relay.config.demo import demo_environment
from relay.errors import ConfigurationError

demo = demo_environment(os.environ, Path(__file__).with_name("var") / "demo.env")
if demo:
    sys.stderr.write("No configuration in the environment: using that of `make run` (var/demo.env).\n")

try:
    app = create_app(build(load_settings(demo or os.environ)))
except ConfigurationError as error:
    sys.exit("relay cannot start; mend its configuration:\n- " + "\n- ".join(error.problems))
