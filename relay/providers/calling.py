"""Asking a provider's API: reads only, so a call may be repeated. Workers use it, the front door never does.

One seam for the network: everything goes through ``Caller``. Addresses come from a provider's file or an
organization's configuration, never from a payload.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field

import requests
import urllib3
from requests.adapters import HTTPAdapter

from relay.errors import FetchFailed

CONNECT_SECONDS = 5
READ_SECONDS = 20
# The read timeout counts from byte to byte; this is how long a whole answer may take.
WHOLE_SECONDS = 60
MAX_BYTES = 2_000_000
_CHUNK = 65_536
# Answers that have nothing to do with what was asked for: an outage, a limit, or a key that somebody must mend.
_SILENT = frozenset({401, 403, 429, 500, 502, 503, 504})
# Answers that may be different later; any other refusal needs a person (no such object).
_LATER = _SILENT | {408, 409, 423, 425}


@dataclass(frozen=True, slots=True)
class Reply:
    """What an API answered with a 2xx."""

    status: int
    body: bytes = field(repr=False)


class Caller:
    """Calls a provider's API. ``session`` replaces the network in tests."""

    def __init__(self, session: requests.Session | None = None) -> None:
        """One keep-alive session; no redirects, no retries, no proxies from the environment."""
        self._session = session or _session()

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, auth: tuple[str, str] | None = None) -> Reply:
        """GET; raises FetchFailed for anything but a 2xx."""
        return self._call("GET", url, headers=headers, auth=auth)

    def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> Reply:
        """POST of a question (not of a change); raises FetchFailed for anything but a 2xx."""
        return self._call("POST", url, body=body, headers=headers, auth=auth)

    def _call(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> Reply:
        try:
            response = self._session.request(
                method,
                url,
                data=body,
                headers=dict(headers or {}),
                auth=auth,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
                stream=True,
            )
            with closing(response):
                content = _limited(response)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            # "from None": the library's text has the address in it.
            text = f"the provider's API did not answer ({type(error).__name__})"
            raise FetchFailed(text, again=True, silent=True) from None
        if not 200 <= response.status_code < 300:
            raise _refused(response.status_code)
        return Reply(response.status_code, content)


def _refused(status: int) -> FetchFailed:
    hint = ": is its key right?" if status in {401, 403} else ""
    text = f"the provider's API answered HTTP {status}{hint}"
    return FetchFailed(text, again=status in _LATER, silent=status in _SILENT)


def _limited(response: requests.Response) -> bytes:
    """The whole body, as much of it as came at a time; neither endless nor endlessly slow."""
    content, end = b"", time.monotonic() + WHOLE_SECONDS
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        content += chunk
        if len(content) > MAX_BYTES:
            raise FetchFailed("the provider's API answered with more than relay reads", again=False)
        if time.monotonic() > end:
            raise FetchFailed("the provider's API took too long to answer", again=True, silent=True)
    return content


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=0))
    return session
