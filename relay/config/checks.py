"""What is wrong with one value, in words; an empty text means nothing is."""

from __future__ import annotations

import ipaddress
import re
import string
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, available_timezones

import jmespath
from babel.numbers import is_currency
from jmespath.exceptions import JMESPathError, LexerError, ParseError

from relay.config.organization import SUB_SOURCE_FIELDS
from relay.config.parameters import LOCKED, MAPPABLE, PARAMETERS, ParameterKind, generic_name
from relay.config.problems import did_you_mean, listed

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
_SHAPE = "the shape is https://secure2.convio.net/<organization>/site"
_SOAP_SHAPE = "the shape is https://webservices.cluster2.convio.net/1.0/<shortname>"
_NOTHING_TO_SEE = {"xxx", "xts"}  # ISO 4217: no currency, and the code for testing


def wrong_name(name: str) -> str:
    """An organization's name stands in webhook URLs."""
    if _SLUG.fullmatch(name):
        return ""
    return "the name of an organization has lower-case letters, digits and dashes, 63 at most, no dash first"


def site_url(text: str) -> str:
    """A Luminate address in its one spelling: no blanks around it, no slash behind it."""
    return text.strip().rstrip("/")


def wrong_site_url(text: str) -> str:
    """The base URL of a Luminate site: https, ``/site`` last, nothing behind it."""
    return _wrong_address(text, _SHAPE) or _wrong_site_path(urlsplit(site_url(text)))


def wrong_soap_url(text: str) -> str:
    """The address of a site's SOAP web services: https and exactly two path segments; "" is taken as "none"."""
    if not text.strip():
        return ""
    return _wrong_address(text, _SOAP_SHAPE) or _wrong_soap_path(urlsplit(site_url(text)))


def wrong_proxy(text: str) -> str:
    """The address of an HTTP proxy, with its login where it has one; "" is taken as "none"."""
    if not text:
        return ""
    try:
        url = urlsplit(text)
        host, _port = url.hostname, url.port
    except ValueError:
        host = None
    if not host or url.scheme not in ("http", "https") or url.query or url.fragment or url.path not in ("", "/"):
        return "is not the address of a proxy; the shape is http://user:password@proxy.example.com:9293"
    return ""


def _wrong_address(text: str, shape: str) -> str:
    try:
        url = urlsplit(site_url(text))
        host, _port = url.hostname or "", url.port
    except ValueError:
        return f"is not an address; {shape}"
    if url.scheme not in ("http", "https") or not host or any(letter.isspace() for letter in text.strip()):
        return f"is not an https address; {shape}"
    if "@" in url.netloc or url.query or url.fragment:
        return f"must not carry a login, a question mark or a #; {shape}"
    if url.scheme == "http" and not is_loopback(host):
        return f"must begin with https, because credentials travel in every call; {shape}"
    return ""


def _wrong_site_path(url: SplitResult) -> str:
    if "/site/" in url.path:
        return f"must end at /site, without the servlet behind it; {_SHAPE}"
    if not url.path.endswith("/site"):
        return f"must end with /site; {_SHAPE}"
    return ""


def _wrong_soap_path(url: SplitResult) -> str:
    if url.path.lower().endswith("/wsdl"):
        return f"must not end with /wsdl, which relay adds itself; {_SOAP_SHAPE}"
    segments = url.path.removeprefix("/").split("/")
    if len(segments) != 2 or not all(segments):
        return f"must have exactly two parts behind the host, as in /1.0/acme; {_SOAP_SHAPE}"
    return ""


def is_loopback(host: str) -> bool:
    """Whether a host can only be this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def organization_in(url: str) -> str:
    """The path segment before ``/site``, where Luminate puts the organization; "" when it is no usable name."""
    segments = urlsplit(url).path.split("/")
    name = segments[-2] if len(segments) > 1 else ""
    return "" if wrong_name(name) else name


def wrong_time_zone(name: str) -> str:
    """An IANA name such as America/Chicago."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return "is not a time zone such as America/Chicago" + did_you_mean(name, available_timezones())
    return ""


def wrong_currency(code: str) -> str:
    """A three-letter ISO 4217 code."""
    if len(code) != 3 or code.lower() in _NOTHING_TO_SEE or not is_currency(code.upper()):
        return "is not a currency; three letters such as USD are needed"
    return ""


def wrong_sub_source(template: str) -> str:
    """Only plain ``{field}`` marks of the fields relay can fill in."""
    try:
        marks = list(string.Formatter().parse(template))
    except ValueError:
        return "has a brace that is not closed or not opened; a brace itself is written {{ or }}"
    for _literal, name, format_spec, conversion in marks:
        if name is not None and (name not in SUB_SOURCE_FIELDS or format_spec or conversion):
            return f"may only use {listed(f'{{{field}}}' for field in SUB_SOURCE_FIELDS)}"
    return ""


def wrong_path(expression: str) -> str:
    """A JMESPath expression; "" is taken as "none"."""
    if not expression:
        return ""
    try:
        jmespath.compile(expression)
    except (ParseError, LexerError) as error:
        return f"is not a JMESPath expression (at character {error.lex_position + 1})"
    except JMESPathError:
        return "is not a JMESPath expression"
    return ""


def wrong_parameter(name: str) -> str:
    """A parameter of addOfflineDonation that a field mapping may set."""
    generic = generic_name(name)
    if generic in LOCKED:
        return f"cannot be mapped: {LOCKED[generic]}"
    if name not in PARAMETERS:
        return "is not a parameter of addOfflineDonation" + did_you_mean(name, MAPPABLE)
    return ""


def wrong_default(parameter: str, default: str) -> str:
    """A default must be what Luminate reads from the parameter; "" is none."""
    kind = PARAMETERS.get(parameter)
    if default and kind is ParameterKind.NUMBER and not re.fullmatch(r"\d{1,18}", default, re.ASCII):
        return "must be a whole number, as the parameter is one"
    if default and kind is ParameterKind.BOOLEAN and default not in ("true", "false"):
        return "must be true or false, as the parameter is one of them"
    return ""
