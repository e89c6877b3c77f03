"""Generic: any processor that sends JSON, configured without code: how it signs, and where everything stands.

docs/providers/generic.md explains every option and reproduces Donorbox with them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from relay.config import ProviderSettings
from relay.config.mapping_options import key_of, networks
from relay.errors import BadSignature, NotUnderstood, Unreadable
from relay.providers.base import Delivery, Parsed, Provider, delivery_key, understood_as
from relay.providers.exact import read_exact
from relay.providers.mapping import Mapped, facts_of
from relay.providers.signatures import check_age, place_of_match, unix_seconds

MAX_TYPE = 100
# A mapping without ``type`` takes every event for this.
TYPE = "event"
_HASHES: Mapping[str, Callable[..., Any]] = {
    "hmac-sha1": hashlib.sha1,
    "hmac-sha256": hashlib.sha256,
    "hmac-sha512": hashlib.sha512,
}


# --- verify -----------------------------------------------------------------------------------------------------------


def verify(delivery: Delivery, settings: ProviderSettings, now: datetime) -> int:
    """The place of the secret that proves the delivery by the configured scheme. Raises BadSignature."""
    _check_address(delivery.address, settings.options.get("ip_allow", ""))
    scheme = settings.options.get("signature", "")
    if scheme in _HASHES:
        return _verify_hmac(delivery, settings, now)
    if scheme not in _SHARED:
        raise BadSignature("the signature of this provider is not configured")
    sent, where = _SHARED[scheme](delivery, settings.options)
    if not sent:
        raise BadSignature(f"{where} carries no secret")
    return place_of_match(settings.secrets, str.strip, [sent], where)


def _check_address(address: str, allowed: str) -> None:
    """An address that is not on the list is refused, one that cannot be read, too."""
    if not networks(allowed):
        return
    try:
        sender = ipaddress.ip_address(address)
    except ValueError:
        raise BadSignature("the sender's address is not known, and ip_allow is configured") from None
    mapped = sender.ipv4_mapped if isinstance(sender, ipaddress.IPv6Address) else None
    if not any((mapped or sender) in ipaddress.ip_network(one) for one in networks(allowed)):
        raise BadSignature("the sender's address is not in ip_allow")


def _basic(delivery: Delivery, _options: Mapping[str, str]) -> tuple[str, str]:
    scheme, _, encoded = delivery.headers.get("authorization", "").strip().partition(" ")
    try:
        sent = base64.b64decode(encoded.strip(), validate=True).decode() if scheme.lower() == "basic" else ""
    except ValueError:
        sent = ""
    return sent, "the Authorization header"


def _secret_header(delivery: Delivery, options: Mapping[str, str]) -> tuple[str, str]:
    name = options.get("header", "").lower()
    sent = delivery.headers.get(name, "").strip()
    prefix = options.get("prefix", "")
    return (sent.removeprefix(prefix).strip() if sent.startswith(prefix) else ""), f"the header {name}"


def _secret_path(delivery: Delivery, _options: Mapping[str, str]) -> tuple[str, str]:
    return delivery.token.strip(), "the address"


_SHARED: Mapping[str, Callable[[Delivery, Mapping[str, str]], tuple[str, str]]] = {
    "basic": _basic,
    "secret-header": _secret_header,
    "secret-path": _secret_path,
}


def _verify_hmac(delivery: Delivery, settings: ProviderSettings, now: datetime) -> int:
    options = settings.options
    header = options.get("header", "").lower()
    parts = _header_parts(delivery.headers.get(header, ""), options.get("header_format", "{signature}"))
    stated = parts["timestamp"][0] if parts["timestamp"] else ""
    if name := options.get("timestamp_header", "").lower():
        stated = delivery.headers.get(name, "").strip()
    prefix = options.get("prefix", "")
    candidates = [one.removeprefix(prefix) for one in parts["signature"] if one.startswith(prefix)]
    if not any(candidates):
        raise BadSignature(f"the header {header} carries no signature")
    dated = "{timestamp}" in options.get("signed", "")
    sent = unix_seconds(stated, name or header) if dated else 0
    encoding = options.get("key_encoding", "text")
    usable = [secret if key_of(secret, encoding) else "" for secret in settings.secrets]
    place = place_of_match(usable, _signer(delivery.body, stated, options), candidates, header)
    if dated:
        check_age(sent, now, settings.tolerance)
    return place


def _header_parts(value: str, form: str) -> Mapping[str, Sequence[str]]:
    """Timestamps and signatures of a header, by a form such as ``{timestamp},{signature}`` or ``t={timestamp},...``.

    A part with words before its mark is found by them wherever it stands, and as often as it stands.
    """
    sent = [part.strip() for part in value.split(",")]
    found: dict[str, list[str]] = {"timestamp": [], "signature": []}
    for place, part in enumerate(one.strip() for one in form.split(",")):
        words, _, mark = part.partition("{")
        here = [one for one in sent if one.startswith(words)] if words else sent[place : place + 1]
        found[mark.rstrip("}")] += [one.removeprefix(words) for one in here]
    if len(found["timestamp"]) > 1:
        raise BadSignature("the signature's header has more than one timestamp")
    return found


def _signer(body: bytes, stated: str, options: Mapping[str, str]) -> Callable[[str], str]:
    """What a secret makes of this delivery."""
    before, _, after = options.get("signed", "{body}").partition("{body}")
    marks = {"timestamp": stated, "url": options.get("url", "")}
    whole = before.format(**marks).encode("utf-8", "replace") + body + after.format(**marks).encode("utf-8", "replace")
    make, encoding = _HASHES[options["signature"]], options.get("key_encoding", "text")

    def expected(secret: str) -> str:
        digest = hmac.new(key_of(secret, encoding), whole, make).digest()
        return base64.b64encode(digest).decode() if options.get("encoding") == "base64" else digest.hex()

    return expected


# --- parse ------------------------------------------------------------------------------------------------------------


def parse(delivery: Delivery, settings: ProviderSettings | None = None) -> Parsed:
    """What the organization's mapping makes of a stored body. Raises Unreadable or NotUnderstood."""
    options = settings.options if settings else {}
    about = envelope(delivery, Mapped(options, read_object_or_list(delivery.body)), default_type=TYPE)
    with understood_as(about):
        if not about.type:
            raise NotUnderstood("the mapping of type finds nothing")
        read = facts_of(Mapped(options, read_object_or_list(delivery.body)))
    return replace(about, note=read) if isinstance(read, str) else replace(about, facts=read)


def read_object_or_list(body: bytes) -> Any:
    """The JSON object, or list with something in it, that a mapping looks into. Raises Unreadable."""
    value = read_exact(body)
    if isinstance(value, dict) or (isinstance(value, list) and value):
        return value
    raise Unreadable("the body is neither a JSON object nor a list with something in it")


def envelope(delivery: Delivery, mapped: Mapped, default_type: str, event_id: str = "") -> Parsed:
    """What stands around the facts: id, type, mode and time. Raises NotUnderstood."""
    kind = mapped.words("type")[:MAX_TYPE] if mapped.options.get("type", "").strip() else default_type
    event = event_id or mapped.ident("id")
    return Parsed(
        event_id=event,
        type=kind,
        delivery_key=delivery_key(delivery.body, event, kind),
        live=mapped.flag("live"),
        occurred_at=mapped.time("occurred_at"),
    )


GENERIC = Provider(name="generic", verify=verify, parse=parse)
