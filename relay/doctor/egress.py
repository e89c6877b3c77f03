"""The address that Luminate sees, where it can be known: as Luminate named it, the proxy's, or this machine's own.

Nobody else is asked. A machine behind a router or on a platform cannot know its address by itself; Luminate names it
when it refuses a call.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from urllib.parse import urlsplit

from relay.config import Organization
from relay.doctor.checks import Check, ok

# What may be an address in somebody's words.
_MAYBE = re.compile(r"[0-9A-Fa-f][0-9A-Fa-f:.]{1,44}")
_LIST = "Setup > Site Options > Open API Configuration"


def named(words: str) -> str:
    """The first address that Luminate's words name, as its allow-list takes it (203.0.113.7/32); "" for none."""
    for word in _MAYBE.findall(words):
        with suppress(ValueError):
            return _entry(word.rstrip(".:"))
    return ""


def _entry(address: str) -> str:
    return str(ipaddress.ip_network(address))


def own_address(organization: Organization) -> Iterator[Check]:
    """One line for a Luminate that is not on this machine."""
    luminate, name = organization.luminate, f"{organization.name}: own address"
    target = urlsplit(luminate.proxy or luminate.url)
    there = _resolved(target.hostname or "", target.port or 443)
    if not there or ipaddress.ip_address(there[0]).is_loopback:
        return
    if luminate.proxy:
        entries = ", ".join(map(_entry, there))
        yield ok(
            name,
            f"Calls to Luminate leave through the proxy {target.hostname}. For the allow-list ({_LIST}): {entries}, "
            "unless the proxy's provider names other addresses.",
        )
    elif ours := _facing(there[0]):
        yield ok(name, f"Luminate sees calls from {ours}. For its allow-list ({_LIST}): {_entry(ours)}.")
    else:
        yield ok(
            name,
            "Which address Luminate sees cannot be known from here: this machine stands behind another. "
            "The platform tells, and Luminate names it when it refuses a call.",
        )


def _resolved(host: str, port: int) -> list[str]:
    """The addresses of a name, each once; none where it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(address[0]).partition("%")[0] for *_, address in found))


def _facing(address: str) -> str:
    """This machine's address on the way there, if all the world can see it. Nothing is sent: only a route is asked."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with suppress(OSError), closing(socket.socket(family, socket.SOCK_DGRAM)) as asked:
        asked.connect((address, 443))
        ours = str(asked.getsockname()[0])
        return ours if ipaddress.ip_address(ours).is_global else ""
    return ""
