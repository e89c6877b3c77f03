"""The HTTP client: one form-encoded POST, one answer or one of two errors, and never a second try.

Everything travels in the body, the method and the credentials too, because URLs end in access logs. No cookie is kept:
``source`` and ``sub_source`` are remembered by web session, and one gift's source could label another donor. Redirects,
retries and the environment's proxies are off.
"""

from __future__ import annotations

import http.client
import math
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlencode

import requests
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError, ReadTimeoutError

from relay.config import LuminateSettings
from relay.errors import MaybeSent, NotSent
from relay.luminate import wire
from relay.luminate.documents import MAX_BYTES

# Only the body says what became of a call, so nothing about its encoding is left to chance.
_HEADERS = {
    "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
    "Accept-Encoding": "identity",
    "User-Agent": "relay",
}
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, unread: ``elapsed`` is in seconds, header names are in lower case."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    elapsed: float = 0.0


class LuminateClient:
    """One Luminate site. ``pool_size`` threads may call it side by side; ``session`` replaces the network in tests.

    Every method raises NotSent when surely no byte of the request left, MaybeSent for any other failure to answer;
    their texts begin with a stable code and hold neither credentials nor donor data. The answer must be complete
    ``read_timeout`` seconds after the request was written.
    """

    def __init__(
        self, settings: LuminateSettings, *, pool_size: int = 1, session: requests.Session | None = None
    ) -> None:
        self._settings = settings
        self._session = session or open_session(pool_size, settings.proxy)

    def add_offline_donation(self, parameters: Mapping[str, str]) -> Answer:
        """Record one gift. Luminate does nothing against duplicates (http://kb.blackbaud.com/articles/Article/96039)."""
        return self._call("SRDonationAPI", "addOfflineDonation", parameters)

    def refund_offline_donation(self, parameters: Mapping[str, str]) -> Answer:
        """Return a gift in whole or in part; only this account's own offline gifts."""
        return self._call("SRDonationAPI", "refundOfflineDonation", parameters)

    def is_email_valid(self, email: str = "relay@example.org") -> Answer:
        """A harmless read that proves key, address and credentials: the call to leave a pause with."""
        return self._call("SRConsAPI", "isEmailValid", {"email": email})

    def get_user_transactions(self, **params: str) -> Answer:
        """A constituent's transactions, to find out whether a gift was recorded. Rows come in no order."""
        return self._call("SRConsAPI", "getUserTransactions", params)

    def get_donation_form_info(self, form_id: int | str) -> Answer:
        """Levels and fields of a form; whether it answers for an offline-only form is not documented."""
        return self._call("CRDonationAPI", "getDonationFormInfo", {"form_id": str(form_id)}, login=False)

    def get_designees(self, form_id: int | str | None = None) -> Answer:
        """The designees, or only those a form allows; archived ones are left out."""
        parameters = {} if form_id is None else {"form_id": str(form_id)}
        return self._call("CRDonationAPI", "getDesignees", parameters, login=False)

    def close(self) -> None:
        """Close the idle connections."""
        self._session.close()

    def _call(self, servlet: str, method: str, parameters: Mapping[str, str], *, login: bool = True) -> Answer:
        body = urlencode({**parameters, **self._common(method, login=login)}).encode("ascii")
        site, url = self._settings, f"{self._settings.url.rstrip('/')}/{servlet}"
        patience = (site.connect_timeout, site.read_timeout)
        return exchange(
            lambda: self._session.post(
                url, data=body, headers=_HEADERS, timeout=patience, allow_redirects=False, stream=True
            ),
            patience=sum(patience),
        )

    def _common(self, method: str, *, login: bool) -> dict[str, str]:
        """The server parameters of every call (http://open.convio.com/api/apidoc/general/common_parameters.html).

        The CR* reads answer without a login, so the password does not travel with them.
        """
        site = self._settings
        credentials = {"login_name": site.login_name, "login_password": site.login_password} if login else {}
        suppress = {"suppress_response_codes": "true"} if site.suppress_response_codes else {}
        transport = {"method": method, "api_key": site.api_key, "v": site.v, "response_format": site.response_format}
        return transport | credentials | suppress


def exchange(request: Callable[[], requests.Response], limit: int = MAX_BYTES, *, patience: float = math.inf) -> Answer:
    """Send one request and read its whole answer, at most ``limit`` bytes. Raises NotSent and MaybeSent.

    The first byte leaves within ``patience`` seconds, or never.

    ``request`` sends on a session of ``open_session``, with ``stream=True``, with timeouts, without redirects.
    """
    started = time.monotonic()
    wire.begin_call(patience)
    try:
        with closing(request()) as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            body = b"".join(_limited(response, limit))
    except (requests.RequestException, HTTPError, http.client.HTTPException, OSError) as error:
        # "from None": the library's text has the address in it, and its request the whole body.
        raise _named(error) from None
    return Answer(response.status_code, body, headers, time.monotonic() - started)


class _Session(requests.Session):
    """Never looks where a redirect points to; with redirects off, requests would still read its whole body."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 - the library's signature
        return None


def open_session(pool_size: int, proxy: str = "") -> requests.Session:
    """No cookies, no retries, nothing from the environment, certificates checked; notes whether a byte was written.

    ``proxy``: the address of the HTTP proxy to go through, "" for none.
    """
    session = _Session()
    session.trust_env = False
    session.proxies = {"http": proxy, "https": proxy} if proxy else {}
    session.verify = True
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.headers.clear()
    for scheme in ("https://", "http://"):
        session.mount(scheme, wire.NotingAdapter(pool_size))
    return session


def _limited(response: requests.Response, limit: int) -> Iterator[bytes]:
    """The body in parts. Raises MaybeSent when it grows beyond any real reply."""
    size = 0
    for chunk in response.iter_content(_CHUNK):
        size += len(chunk)
        if size > limit:
            raise MaybeSent(f"answer_too_large: Luminate's answer is larger than {limit:,} bytes.")
        yield chunk


def _named(error: Exception) -> NotSent | MaybeSent:
    """The error by what the caller should do.

    The class of the library's error does not tell the phase, so only what is proven becomes NotSent: a connection
    that was never made, or one that noted that nothing was written.
    """
    for proof, text in _NEVER_CONNECTED:
        if proof(error):
            return NotSent(text)
    if wire.surely_unwritten():
        return NotSent("not_connected: The connection to Luminate failed before the request was sent.")
    causes = tuple(_chain(error))
    for kinds, text in _AFTERWARDS:
        if any(isinstance(one, kinds) for one in causes):
            return MaybeSent(text)
    return MaybeSent("transport_failed: The call to Luminate failed.")


def _is_proxy(error: Exception) -> bool:
    """The proxy did not let us through: it refused the tunnel, or was not there. Through an open tunnel it is mute."""
    return isinstance(error, requests.exceptions.ProxyError) and wire.surely_unwritten()


def _is_timeout(error: Exception) -> bool:
    return isinstance(error, requests.ConnectTimeout)


def _is_bad_address(error: Exception) -> bool:
    return isinstance(
        error, requests.exceptions.InvalidURL | requests.exceptions.MissingSchema | requests.exceptions.InvalidSchema
    )


def _is_unresolved(error: Exception) -> bool:
    return isinstance(_pool_reason(error), NameResolutionError)


def _is_refused(error: Exception) -> bool:
    return isinstance(_pool_reason(error), NewConnectionError)


def _is_certificate(error: Exception) -> bool:
    """A certificate that we refuse ends the handshake; any other TLS error may come after the request was sent."""
    return isinstance(error, requests.exceptions.SSLError) and any(
        isinstance(one, ssl.SSLCertVerificationError) for one in _chain(error)
    )


def _pool_reason(error: Exception) -> object:
    """What requests wraps twice: ConnectionError(MaxRetryError(reason))."""
    inner = error.args[0] if isinstance(error, requests.ConnectionError) and error.args else None
    return getattr(inner, "reason", None)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, what it wraps and what caused it."""
    todo: list[object] = [error]
    seen: set[int] = set()
    while todo:
        one = todo.pop()
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            todo += [*one.args, one.__cause__, one.__context__, getattr(one, "reason", None)]


# What is raised, what it proves; the order matters, because ConnectTimeout is a ConnectionError too.
_NEVER_CONNECTED = (
    (_is_proxy, "proxy_refused: The proxy in front of Luminate did not let the call through."),
    (_is_timeout, "connect_timeout: Luminate's server did not take the connection in time."),
    (_is_bad_address, "bad_address: The configured address of Luminate is not one."),
    (_is_unresolved, "name_not_found: The name of Luminate's server could not be found."),
    (_is_refused, "connection_refused: Luminate's server did not take the connection."),
    (_is_certificate, "certificate_refused: The certificate of Luminate's server is not valid."),
)
_AFTERWARDS: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((TimeoutError, ReadTimeoutError), "read_timeout: Luminate did not answer completely in time."),
    ((ssl.SSLError,), "tls_broken: The encrypted connection to Luminate broke."),
    ((requests.exceptions.ChunkedEncodingError,), "answer_cut_short: Luminate's answer broke off in the middle."),
    (
        (requests.ConnectionError, ConnectionError),
        "connection_lost: The connection to Luminate was lost before the answer.",
    ),
)
