"""The two ports of the demo, checked before anything starts."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping

from relay.demo.child import ServerError

DEFAULTS = {"PORT": 8000, "SANDBOX_PORT": 8001}
# How far from a taken port the suggestion is looked for.
STEP = 80


def chosen(environ: Mapping[str, str], *, patience: float = 0) -> tuple[int, int]:
    """PORT and SANDBOX_PORT, both free within ``patience`` seconds. Raises ServerError with a sentence to act upon."""
    ports = {name: _number(name, environ.get(name, "").strip(), default) for name, default in DEFAULTS.items()}
    if len(set(ports.values())) < len(ports):
        raise ServerError(f"PORT and SANDBOX_PORT are both {ports['PORT']}; they must differ.")
    if taken := _taken(ports, patience):
        raise ServerError(_sentence(ports, taken))
    return ports["PORT"], ports["SANDBOX_PORT"]


def _taken(ports: Mapping[str, int], patience: float) -> list[str]:
    deadline = time.monotonic() + patience
    while taken := [name for name, port in ports.items() if not is_free(port)]:
        if time.monotonic() >= deadline:
            break
        time.sleep(0.1)
    return taken


def is_free(port: int) -> bool:
    """Whether nobody listens on this port of this machine."""
    with socket.socket() as asking:
        asking.settimeout(1)
        if asking.connect_ex(("127.0.0.1", port)) == 0:
            return False
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _number(name: str, text: str, default: int) -> int:
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65_536:
        raise ServerError(f"{name} must be a number from 1 to 65535.")
    return int(text)


def _sentence(ports: Mapping[str, int], taken: list[str]) -> str:
    """What is taken, and a command that will do."""
    given, others = set(ports.values()), {}
    for name in taken:
        others[name] = next((port for port in _candidates(ports[name]) if port not in given and is_free(port)), 0)
        given.add(others[name])
    command = "".join(f"{name}={port} " for name, port in others.items()) + "make run"
    if len(taken) > 1:
        return f"Ports {' and '.join(str(ports[name]) for name in taken)} are taken; choose others: {command}"
    whose = " for the sandbox" if taken == ["SANDBOX_PORT"] else ""
    return f"Port {ports[taken[0]]} is taken; choose another{whose}: {command}"


def _candidates(port: int) -> range:
    first = port + STEP if port + STEP < 65_000 else 10_000
    return range(first, first + 500)
