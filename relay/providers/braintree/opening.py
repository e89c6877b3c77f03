"""What Braintree posts, opened: a form with a signature and a payload, base64 around XML.

https://developer.paypal.com/braintree/docs/guides/webhooks/parse. The XML parser refuses document types and entities.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.etree.ElementTree import Element, ParseError  # nosec B405  # types only; defusedxml reads

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from relay.errors import NotUnderstood, Unreadable
from relay.providers import letters
from relay.providers.base import MAX_DEPTH
from relay.telemetry import mask_cards

SIGNATURE, PAYLOAD = "bt_signature", "bt_payload"
MAX_FIELDS = 20


def form_of(body: bytes) -> dict[str, str]:
    """The two fields of the form, each there exactly once, newlines and all. Raises Unreadable."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:
        raise Unreadable("the body is not a form") from None
    found = [(name, value) for name, value in pairs if name in (SIGNATURE, PAYLOAD)]
    if sorted(name for name, _ in found) != [PAYLOAD, SIGNATURE]:
        raise Unreadable("the form must have one bt_signature and one bt_payload")
    return dict(found)


def notification_in(body: bytes) -> dict[str, Any]:
    """The notification as nested dicts, lists and texts. Raises Unreadable, or NotUnderstood when it nests too deep."""
    try:
        root = _read(mask_cards(_xml_in(body)))
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise Unreadable("the payload is not plain XML") from None
    value = _value(root, MAX_DEPTH)
    if _name(root) != "notification" or not isinstance(value, dict):
        raise Unreadable("the payload is not a notification")
    return value


def _read(xml: bytes) -> Element:
    try:
        found: Element = fromstring(xml, forbid_dtd=True)
    except ParseError:
        found = fromstring(letters.mended_xml(xml), forbid_dtd=True)
    return found


def _xml_in(body: bytes) -> bytes:
    try:
        return base64.b64decode(form_of(body)[PAYLOAD].replace("\n", ""), validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("bt_payload is not base64") from None


def scrub(body: bytes) -> bytes:
    """The body with card numbers masked, which base64 hides from whoever masks what is stored."""
    try:
        xml = _xml_in(body)
    except Unreadable:
        return body
    masked = mask_cards(xml)
    if masked == xml:
        return body
    return urlencode(form_of(body) | {PAYLOAD: base64.encodebytes(masked).decode()}).encode()


def _name(element: Element) -> str:
    """The tag; Braintree writes most with dashes and a few with underscores."""
    return element.tag.replace("-", "_")


def _value(element: Element, deeper: int) -> Any:
    """``type="array"`` is a list, ``nil="true"`` None, children a dict (of equal ones the first), else the text."""
    if deeper == 0:
        raise NotUnderstood(f"the payload nests deeper than {MAX_DEPTH} levels")
    if element.get("nil") == "true":
        return None
    if element.get("type") == "array":
        return [_value(child, deeper - 1) for child in element]
    if not len(element):
        return (element.text or "").strip()
    found: dict[str, Any] = {}
    for child in element:
        found.setdefault(_name(child), _value(child, deeper - 1))
    return found
