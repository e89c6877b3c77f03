"""Fixture: tests reach this machine only. A test that needs a slow or dead host starts one on 127.0.0.1.

The refusal is no OSError on purpose: code under test treats those as an outage, and the test would pass unaware.
Names below .invalid are answered as a resolver answers them: unknown.
"""

import ipaddress
import os
import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

LOCAL_NAMES = {"", "localhost", "ip6-localhost"}


class NetworkRefusedError(Exception):
    """A test tried to leave this machine."""


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Refuse connections to anything but loopback, Unix sockets and the servers the environment names."""
    allowed = named_servers()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, guarded_method(getattr(socket.socket, name), allowed))
        for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
            patch.setattr(socket, name, guarded_lookup(getattr(socket, name), allowed))
        yield


def guarded_method(method: Callable[..., Any], allowed: set[str]) -> Callable[..., Any]:
    def call(self: socket.socket, *args: Any) -> Any:
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            refuse_unless_local(args[-1][0], allowed)
        return method(self, *args)

    return call


def guarded_lookup(lookup: Callable[..., Any], allowed: set[str]) -> Callable[..., Any]:
    def call(host: str | bytes | None, *args: Any, **kwargs: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host or ""
        if name.endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        refuse_unless_local(name, allowed)
        return lookup(host, *args, **kwargs)

    return call


def refuse_unless_local(host: str, allowed: set[str]) -> None:
    if host in LOCAL_NAMES or host in allowed or is_loopback(host):
        return
    raise NetworkRefusedError(f"Tests do not leave this machine; this one wanted {host}.")


def is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def named_servers() -> set[str]:
    """The hosts of TEST_REDIS_URL and TEST_DATABASE_URL, by name and by address."""
    urls = (os.environ.get(name, "") for name in ("TEST_REDIS_URL", "TEST_DATABASE_URL"))
    hosts = {host for url in urls if (host := urlsplit(url).hostname)}
    return hosts | {str(info[4][0]) for host in hosts for info in socket.getaddrinfo(host, None)}
