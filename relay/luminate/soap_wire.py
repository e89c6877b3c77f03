"""zeep under our own rules: its transport, the service's description, and the two operations that relay calls.

Only this module imports zeep, and it is imported when the first look-up over SOAP is made: a worker that has no SOAP
account never loads it. Operations: http://open.convio.com/webservices/apidoc/reference/operations/login.html and
.../query.html; the description (WSDL): http://open.convio.com/webservices/apidoc/concepts/accessing_the_wsdl.html
"""
# mypy: disallow-untyped-calls=False
# zeep says that it is typed, but most of it is not; everything that comes back from it here is bytes.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from lxml import etree  # type: ignore[import-untyped] # ships no annotations; only builds one element here
from zeep import Client, Settings
from zeep.exceptions import Error as ZeepError
from zeep.wsdl.bindings.soap import Soap11Binding
from zeep.wsdl.utils import etree_to_string

from relay.config import LuminateSettings
from relay.errors import ReadRefused
from relay.luminate.client import Answer, exchange, open_session

# A description names every field of the site's records, custom ones too, and is larger than any reply.
MAX_WSDL_BYTES = 16_000_000
_NAMESPACE = "urn:soap.convio.com"
_OPERATIONS = frozenset({"Login", "Query"})
# What zeep and lxml raise over a description that is none, or another one than documented.
_NOT_UNDERSTOOD = (ZeepError, etree.LxmlError, LookupError, TypeError, ValueError, AttributeError)
_PORTS = {"https": 443, "http": 80}


class SoapService:
    """Login and Query of one site. Requests are built by zeep from the description; answers come back unread.

    Credentials go to ``soap_url``, whatever address the description names. Raises NotSent, MaybeSent, and ReadRefused
    when the description cannot be used; threads may call it side by side.
    """

    def __init__(self, settings: LuminateSettings) -> None:
        self._transport = _Transport(settings)
        rules = Settings(raw_response=True, forbid_dtd=True, forbid_entities=True)
        try:
            client = Client(f"{settings.soap_url}/wsdl", transport=cast("Any", self._transport), settings=rules)
            self._service = client.create_service(_binding(client), settings.soap_url)
        except _NOT_UNDERSTOOD as error:
            raise ReadRefused("unreadable", "The description of Luminate's web services cannot be used.") from error

    def login(self, user: str, password: str) -> Answer:
        """Open a session; the answer holds its id."""
        return self._call("Login", UserName=user, Password=password)

    def query(self, session_id: str, text: str, *, page: int, page_size: int) -> Answer:
        """One page of the records that ``text`` asks for."""
        header = etree.Element(f"{{{_NAMESPACE}}}Session")
        etree.SubElement(header, f"{{{_NAMESPACE}}}SessionId").text = session_id
        return self._call("Query", QueryString=text, Page=page, PageSize=page_size, _soapheaders=[header])

    def close(self) -> None:
        """Close the idle connections."""
        self._transport.close()

    def _call(self, operation: str, **parameters: object) -> Answer:
        try:
            return cast("Answer", self._service[operation](**parameters))
        except _NOT_UNDERSTOOD:
            # "from None": zeep's text may repeat a parameter, and one is the password.
            raise ReadRefused("unreadable", f"Luminate's web services describe another {operation}.") from None


def _binding(client: Client) -> str:
    """The SOAP 1.1 binding that has both operations; a description may have several."""
    for name, binding in client.wsdl.bindings.items():
        if isinstance(binding, Soap11Binding) and binding.all().keys() >= _OPERATIONS:
            return str(name)
    raise ReadRefused("unreadable", "The description of Luminate's web services has no Login and Query.")


class _Transport:
    """What zeep needs of a transport, with the house's session: no redirects, cookies, retries, endless waits.

    Unlike zeep's own it reads no files and asks no other host, so an import in the description leads nowhere else.
    """

    def __init__(self, settings: LuminateSettings) -> None:
        self._origin = _origin(settings.soap_url)
        self._patience = (settings.connect_timeout, settings.read_timeout)
        self._session = open_session(1, settings.proxy)

    def load(self, url: str) -> bytes:
        """The description, or a part of it that it imports."""
        if _origin(url) != self._origin:
            raise ReadRefused("unreadable", "The description of Luminate's web services refers to another host.")
        answer = exchange(lambda: self._send("GET", url, {}), MAX_WSDL_BYTES)
        if answer.status in (401, 403):
            raise ReadRefused("blocked", f"Luminate keeps its web services closed to relay (HTTP {answer.status}).")
        if answer.status != 200:
            text = f"Luminate did not hand out the description of its web services (HTTP {answer.status})."
            raise ReadRefused("unreadable", text)
        return answer.body

    def post_xml(self, address: str, envelope: Any, headers: Mapping[str, str]) -> Answer:
        """Send one envelope."""
        message = etree_to_string(envelope)
        return exchange(lambda: self._send("POST", address, headers, message))

    def close(self) -> None:
        self._session.close()

    def _send(self, verb: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> requests.Response:
        return self._session.request(
            verb,
            url,
            data=body,
            headers={**headers, "Accept-Encoding": "identity", "User-Agent": "relay"},
            timeout=self._patience,
            allow_redirects=False,
            stream=True,
        )


def _origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port; a path without them has an origin that equals no address."""
    parts = urlsplit(str(url))
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
