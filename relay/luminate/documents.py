"""The bytes of an answer into one nested dict of texts, whether they are XML or JSON.

What Luminate's replies are like (JSON as ``text/plain``, two XML namespaces, a lone element instead of a list, ``{}``
for an empty one, strings for every leaf, a trailing comma in the documented error) is told in
http://open.convio.com/api/apidoc/general/error_codes.html and convio/luminateExtend: src/luminateExtend.js
(lines 480 and 696, the vendor's tickets E-62659 and E-47741).
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable
from typing import Any
from xml.etree.ElementTree import Element, ParseError  # nosec B405  # types only; defusedxml reads

from defusedxml import DefusedXmlException
from defusedxml import ElementTree as DefusedElementTree

# Larger and deeper than any documented reply; the client stops reading at the same size.
MAX_BYTES = 1_000_000
MAX_DEPTH = 32
# Names that repeat. A single one is a list too, or a lone text would be walked letter by letter.
MANY = frozenset(
    {"fieldError", "pageError", "transaction", "designee", "type", "donationLevel", "donationField", "paymentCard",
     "field"}
)  # fmt: skip
# First elements of pages made for people; a load balancer's error page need not have a doctype.
_PAGE = frozenset(
    "html head body title meta script style link h1 h2 h3 p div span center table font b br hr pre a img form".split()  # noqa: SIM905
)
_FIRST_TAG = re.compile(
    r"(?>\s++|<\?[^>]*+>|<!--.*?-->)*+<(!doctype\s+html|[a-z][a-z0-9]*+)[\s/>]", re.IGNORECASE | re.DOTALL
)
# Neither a database nor a page can hold these; in a reply they are noise.
_NOISE = re.compile(r"[\x00\ud800-\udfff]")
_TRAILING_COMMA = re.compile(r'("(?:[^"\\]|\\.)*+"?)|,(?=\s*[}\]])', re.DOTALL)
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"

Document = dict[str, Any]


class NotADocument(Exception):
    """The text is neither XML nor JSON that we would read. It never leaves this package."""


def decode(body: bytes) -> str:
    """UTF-8 as documented, UTF-16 where a byte-order mark says so, else Latin-1: codes and ids are ASCII anyway."""
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return body.decode("utf-16", errors="replace").strip()
    try:
        return body.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        return body.removeprefix(codecs.BOM_UTF8).decode("latin-1").strip()


def is_page(text: str) -> bool:
    """Whether this is a page for people rather than a reply."""
    found = _FIRST_TAG.match(text)
    return found is not None and (found[1].startswith("!") or found[1].lower() in _PAGE)


def parse(text: str) -> Document:
    """The document as nested dicts, lists and texts, under the name of its root. Raises NotADocument."""
    try:
        if text.startswith("<"):
            root = DefusedElementTree.fromstring(text, forbid_dtd=True)
            return {_local(root.tag): _from_xml(root, MAX_DEPTH)}
        if text.startswith("{"):
            parsed = _from_json(_loads(text), MAX_DEPTH)
            return parsed if isinstance(parsed, dict) else {}
    except (ParseError, DefusedXmlException, ValueError, RecursionError) as error:
        raise NotADocument from error
    raise NotADocument


def holds(value: object, names: frozenset[str]) -> bool:
    """Whether one of these names stands anywhere in the document, even with nothing in it."""
    if isinstance(value, dict):
        return not names.isdisjoint(value) or any(holds(inner, names) for inner in value.values())
    return isinstance(value, list) and any(holds(inner, names) for inner in value)


# --- XML ----------------------------------------------------------------------------------------------------------


def _local(tag: str) -> str:
    """The name without its namespace: two of them are in use, and only one is documented for each reply."""
    return tag.rpartition("}")[2]


def _from_xml(element: Element, depth: int) -> Any:
    """A leaf is its text; attributes become keys; ``xsi:nil`` and an empty element are ""."""
    if depth == 0:
        raise NotADocument
    if element.get(_NIL, "").strip() in ("true", "1"):
        return ""
    attributes = [(_local(name), value) for name, value in element.attrib.items() if not name.startswith(_XSI)]
    children = [(_local(child.tag), _from_xml(child, depth - 1)) for child in element]
    text = (element.text or "").strip()
    if not children:
        return text
    return _grouped(attributes + children + ([("text", text)] if text else []))


# --- JSON ---------------------------------------------------------------------------------------------------------


def _loads(text: str) -> Any:
    """Every leaf stays a text; names that come twice make a list; the documented trailing comma is forgiven."""
    try:
        return _strictly(text)
    except json.JSONDecodeError:
        return _strictly(_TRAILING_COMMA.sub(lambda found: found[1] or "", text))


def _strictly(text: str) -> Any:
    return json.loads(text, parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=_grouped)


def _from_json(value: Any, depth: int) -> Any:
    """``{}`` and ``null`` are "", booleans are texts, as in XML."""
    if depth == 0:
        raise NotADocument
    if isinstance(value, dict):
        return {_quiet(name): _from_json(inner, depth - 1) for name, inner in value.items()} or ""
    if isinstance(value, list):
        return [_from_json(inner, depth - 1) for inner in value]
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    return _quiet(str(value)).strip()


def _quiet(text: str) -> str:
    return _NOISE.sub("\N{REPLACEMENT CHARACTER}", text)


def _grouped(pairs: Iterable[tuple[str, Any]]) -> Document:
    """One-or-many: a name that repeats, or may repeat, holds a list."""
    grouped: Document = {}
    for name, value in pairs:
        many = value if isinstance(value, list) else [value]
        if name in grouped:
            before = grouped[name]
            grouped[name] = [*(before if isinstance(before, list) else [before]), *many]
        else:
            grouped[name] = many if name in MANY else value
    return grouped
