"""What an answer looks like on paper: one tree, written as XML or as JSON (facts 3.5, 5, 6).

In a tree a text is a leaf, "" an empty element (`<value/>`, JSON `{}`), None a nil (`xsi:nil`, JSON `null`), a list a
repeated name (JSON: a lone one is not a list, H) and a key that starts with "@" an attribute (JSON: a plain key, H).
"""

import json
import random
import re
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from .errors import ApiError, CommonError, DonationError
from .messages import Reply

ERROR_NAMESPACE = "http://convio.com/crm/v1"
NAMESPACE = "http://convio.com/crm/v1.0"
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
SCHEMA = 'xsi:schemaLocation="http://convio.com/crm/v1.0 http://service.convio.net/xmlschema/crm.public.v1.xsd"'
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
CONTENT_TYPES = {"xml": "text/xml;charset=UTF-8", "json": "text/plain;charset=UTF-8"}


def _xml(name: str, node: Any) -> str:
    if isinstance(node, list):
        return "".join(_xml(name, one) for one in node)
    if isinstance(node, Mapping):
        return _parent(name, node)
    if node is None:
        return f'<{name} xsi:nil="true"/>'
    return f"<{name}>{escape(NOT_XML.sub('', node))}</{name}>" if node else f"<{name}/>"


def _parent(name: str, node: Mapping[str, Any]) -> str:
    attributes = "".join(f" {key[1:]}={quoteattr(value)}" for key, value in node.items() if key[0] == "@")
    children = "".join(_xml(key, value) for key, value in node.items() if key[0] != "@")
    return f"<{name}{attributes}>{children}</{name}>" if children else f"<{name}{attributes}/>"


def xml_text(root: str, node: Mapping[str, Any], namespace: str) -> str:
    """The document, with the namespace its family uses: errors and successes differ (H)."""
    body = _xml(root, node)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{namespace}" {SCHEMA} {XSI}{body[len(root) + 1 :]}'


def _json(node: Any) -> Any:
    if isinstance(node, list):
        return _json(node[0]) if len(node) == 1 else [_json(one) for one in node]
    if isinstance(node, Mapping):
        keys = [key for key in node if node[key] != []]
        random.shuffle(keys)  # the order of keys is not stable (H), so nobody may come to rely on one
        return {key.removeprefix("@"): _json(node[key]) for key in keys}
    return {} if node == "" else node


def render(root: str, node: Mapping[str, Any], wanted: str, status: int = 200, namespace: str = NAMESPACE) -> Reply:
    """The answer in the wanted format; JSON comes as `text/plain` (H)."""
    kind = "json" if wanted == "json" else "xml"
    text = json.dumps({root: _json(node)}, ensure_ascii=False) if kind == "json" else xml_text(root, node, namespace)
    return Reply(status, CONTENT_TYPES[kind], text.encode("utf-8", "replace"))


def donation_errors(error: DonationError) -> dict[str, Any]:
    return {
        "code": str(error.code),
        "message": "Error: There was a problem encountered while processing your donation.",
        "reason": "FIELD_VALIDATION",
        "pageError": error.page,
        "fieldError": list(error.fields),
    }


def render_error(
    error: ApiError, wanted: str, switches: Mapping[str, str], *, suppressed: bool, donates: bool
) -> Reply:
    """The refusal. Its family and status follow the switches of the organization."""
    if isinstance(error, DonationError):
        status = 200 if suppressed else int(switches["donation_error_http"])
        return render("donationResponse", {"errors": donation_errors(error)}, wanted, status, ERROR_NAMESPACE)
    node = {"code": str(error.code), "message": str(error)}
    status = 200 if suppressed else 403
    if suppressed and donates and switches["suppressed_error_root"] == "donationResponse":
        return render("donationResponse", {"errors": node}, wanted, status, ERROR_NAMESPACE)
    if wanted == "json" and isinstance(error, CommonError) and switches["trailing_comma"] == "true":
        return _with_trailing_comma(node, status)
    return render("errorResponse", node, wanted, status, ERROR_NAMESPACE)


def _with_trailing_comma(node: Mapping[str, str], status: int) -> Reply:
    """The documented JSON twin, which is invalid JSON (probably a slip of the page, M)."""
    inside = ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in node.items())
    return Reply(status, CONTENT_TYPES["json"], f'{{"errorResponse": {{{inside}, }}}}'.encode())
