"""What gunicorn and ``flask`` find: the application around the environment's settings."""

from __future__ import annotations

import sys

from relay.app import create_app
from relay.errors import ConfigurationError

try:
    app = create_app()
except ConfigurationError as error:
    sys.exit("relay cannot start; mend its configuration:\n- " + "\n- ".join(error.problems))
