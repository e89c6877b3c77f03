"""The command: `python -m relay.sandbox --port N [--host 127.0.0.1] [--store FILE]`."""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from .server import SandboxServer
from .state import Sandbox


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m relay.sandbox", description="A simulation of Luminate Online.")
    parser.add_argument("--port", type=int, required=True, help="port to listen on; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--store", type=Path, help="file that keeps what was recorded; without it memory only")
    return parser.parse_args()


def _stop(_number: int, _frame: FrameType | None) -> None:
    # Connections have daemon threads and every record is already written, so there is nothing to wait for.
    raise SystemExit(0)


def main() -> int:
    """Serves until SIGTERM or Ctrl-C."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    given = _arguments()
    try:
        server = SandboxServer(given.host, given.port, Sandbox(given.store))
    except OSError as problem:
        sys.stderr.write(f"The sandbox cannot start: {problem}\n")
        return 1
    sys.stdout.write(f"Luminate sandbox on {server.url}/\n")
    sys.stdout.flush()
    server.serve_forever(poll_interval=0.1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
