"""Braintree's notifications as XML: the payloads are kept as JSON, which is easier to read and to change one by one."""

import json
from xml.sax.saxutils import escape

SINGULAR = {"transactions": "transaction", "refund-ids": "item"}


def to_xml(value, name="notification"):
    """XML as Braintree writes it: ``type="array"`` for a list, ``nil="true"`` for None; without NUL."""
    if value is None:
        return f'<{name} nil="true"/>'
    if isinstance(value, list):
        inner = "".join(to_xml(one, SINGULAR.get(name, "item")) for one in value)
        return f'<{name} type="array">{inner}</{name}>'
    if isinstance(value, dict):
        return f"<{name}>{''.join(to_xml(one, key) for key, one in value.items())}</{name}>"
    return f"<{name}>{escape(str(value).replace(chr(0), ''))}</{name}>"


def xml_of(body):
    """The XML of a payload kept as JSON; what is not such a payload stays as it is."""
    try:
        told = json.loads(body)
        return to_xml(told).encode("utf-8", "surrogatepass") if isinstance(told, dict) and told else body
    except (ValueError, RecursionError):
        return body
