"""The options of providers that are mapped without code: ``generic`` and ``gofundmepro``, and what fits together.

docs/providers/generic.md explains each. An option is one text; those that say where something stands are JMESPath.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
import string
from collections.abc import Callable, Iterator, Mapping, Sequence

from relay.config.api_options import unfit_paypal
from relay.config.checks import wrong_path

Check = Callable[[str], str]

HMAC = ("hmac-sha1", "hmac-sha256", "hmac-sha512")
SIGNATURES = (*HMAC, "basic", "secret-header", "secret-path")
MARKS = ("body", "timestamp", "url")
_HEADER = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


def one_of(*words: str) -> Check:
    """A check that takes these words only."""
    return lambda value: "" if value in words else f"must be one of {', '.join(words)}"


def _header(value: str) -> str:
    return "" if _HEADER.fullmatch(value) else "is not the name of a header"


def _template(marks: Sequence[str], needed: str) -> Check:
    """A check of a text with ``{marks}``, one of which is needed, each at most once."""

    def wrong(value: str) -> str:
        try:
            parts = list(string.Formatter().parse(value))
        except ValueError:
            return "has a brace that is not closed or not opened"
        found = [name for _, name, _, _ in parts if name is not None]
        if any(name not in marks or spec or conversion for _, name, spec, conversion in parts if name is not None):
            return f"may only use {', '.join(f'{{{mark}}}' for mark in marks)}"
        return "" if found.count(needed) == 1 and len(set(found)) == len(found) else f"needs {{{needed}}} once"

    return wrong


def _header_format(value: str) -> str:
    wrong = _template(("signature", "timestamp"), "signature")(value)
    alone = all(part.count("{") < 2 for part in value.split(","))
    return wrong or ("" if alone else "must have a comma between {timestamp} and {signature}")


def _url(value: str) -> str:
    plain = value.startswith(("https://", "http://")) and not any(letter.isspace() for letter in value)
    return "" if plain else "is not an address"


def networks(value: str) -> list[str]:
    """Several networks in one text, separated by commas or blanks."""
    return value.replace(",", " ").split()


def _ip_allow(value: str) -> str:
    for one in networks(value):
        try:
            ipaddress.ip_network(one)
        except ValueError:
            return "must be addresses or networks such as 203.0.113.0/24 (no bits set behind the mask)"
    return "" if networks(value) else "names no network"


def is_currency(value: str) -> bool:
    """Whether the option is the currency itself, and not where to find it."""
    return _CURRENCY.fullmatch(value) is not None


SIGNING: Mapping[str, Check] = {
    "signature": one_of(*SIGNATURES),
    "header": _header,
    "header_format": _header_format,
    "prefix": lambda _value: "",
    "encoding": one_of("hex", "base64"),
    "timestamp_header": _header,
    "signed": _template(MARKS, "body"),
    "url": _url,
    "key_encoding": one_of("text", "hex", "base64"),
    "ip_allow": _ip_allow,
}
DONOR = (
    "name", "first_name", "last_name", "email", "phone", "street1", "street2", "city", "state", "zip", "country",
    "employer", "occupation",
)  # fmt: skip
PATHS = (
    "type", "id", "payment_id", "related_ids", "amount", "currency", "live", "occurred_at", "source",
    *(f"donor_{part}" for part in DONOR),
    "email_opt_in", "anonymous", "recurring", "fund", "fee", "tender",
    "refund_id", "refund_amount", "refund_total", "dispute_id", "dispute_amount", "reinstated_id", "flag_text",
)  # fmt: skip
RULES = ("is_gift", "is_held", "is_refund", "is_chargeback", "is_reinstatement", "is_flag")
MAPPING: Mapping[str, Check] = {
    **dict.fromkeys((*PATHS, *RULES), wrong_path),
    "amount_unit": one_of("major", "minor"),
}
NEEDED = frozenset({"signature", "is_gift", "payment_id", "amount", "amount_unit", "currency"})
NEEDED_TO_MAP = ("is_gift", "payment_id", "amount", "amount_unit", "currency")
# Which options mean nothing without another signature than these.
_ONLY_HMAC = ("header_format", "encoding", "timestamp_header", "signed", "url", "key_encoding")

Wrong = Iterator[tuple[str, str]]


def unfit_generic(options: Mapping[str, str], secrets: Sequence[str]) -> Wrong:
    """What does not fit together in the options of ``generic``: the option, and a sentence."""
    chosen = {name: value for name, value in options.items() if value}
    signature = chosen.get("signature", "")
    if signature in HMAC:
        yield from _unfit_hmac(chosen, secrets)
    elif signature:
        yield from ((name, f"has no meaning with {signature}") for name in _ONLY_HMAC if name in chosen)
    if signature == "secret-header" and "header" not in chosen:
        yield "header", "is needed: which header carries the secret?"
    if signature == "basic" and not all(":" in secret for secret in secrets):
        yield "signature", "is basic: each secret must be a name and a password with a colon between"
    if signature in ("basic", "secret-path"):
        yield from ((name, f"has no meaning with {signature}") for name in ("header", "prefix") if name in chosen)
    yield from _unfit_returns(options)


def _unfit_hmac(chosen: Mapping[str, str], secrets: Sequence[str]) -> Wrong:
    if "header" not in chosen:
        yield "header", "is needed: which header carries the signature?"
    dated = "timestamp_header" in chosen or "{timestamp}" in chosen.get("header_format", "")
    signed = chosen.get("signed", "{body}")
    if "{timestamp}" in signed and not dated:
        yield "signed", "has a {timestamp}, but neither timestamp_header nor header_format says where it stands"
    if dated and "{timestamp}" not in signed:
        yield "signed", "must have a {timestamp}: one that is not signed proves nothing"
    if "{url}" in signed and "url" not in chosen:
        yield "url", "is needed: it is signed"
    if not all(key_of(secret, chosen.get("key_encoding", "text")) for secret in secrets):
        yield "key_encoding", f"is {chosen.get('key_encoding')}, but a secret is not"


def key_of(secret: str, encoding: str) -> bytes:
    """The key inside a secret; empty if it is none."""
    try:
        if encoding == "hex":
            return bytes.fromhex(secret.strip())
        return base64.b64decode(secret.strip(), validate=True) if encoding == "base64" else secret.encode()
    except (binascii.Error, ValueError):
        return b""


def unfit_mapping(options: Mapping[str, str], _secrets: Sequence[str] = ()) -> Wrong:
    """What is missing in a mapping once it has begun."""
    chosen = {name for name, value in options.items() if value and name in MAPPING}
    if chosen & set(RULES):
        yield from ((name, "is needed") for name in NEEDED_TO_MAP if name not in chosen)
    yield from _unfit_returns(options)


def _unfit_returns(options: Mapping[str, str]) -> Wrong:
    chosen = {name for name, value in options.items() if value}
    if "is_refund" in chosen and "refund_total" not in chosen and not {"refund_id", "refund_amount"} <= chosen:
        yield "is_refund", "needs refund_id and refund_amount, or refund_total where refunds have no id"
    if "is_chargeback" in chosen and not {"dispute_id", "dispute_amount"} <= chosen:
        yield "is_chargeback", "needs dispute_id and dispute_amount"
    if "is_reinstatement" in chosen and "reinstated_id" not in chosen:
        yield "is_reinstatement", "needs reinstated_id: the id of the refund or dispute that it undoes"


# The provider's name -> what does not fit together in its options.
UNFIT: Mapping[str, Callable[[Mapping[str, str], Sequence[str]], Wrong]] = {
    "generic": unfit_generic,
    "gofundmepro": unfit_mapping,
    "paypal": unfit_paypal,
}


def wrong_token(secret: str) -> str:
    """A secret that ends an address: letters that need no escape, and enough of them."""
    if re.fullmatch(r"[A-Za-z0-9_-]{20,200}", secret, re.ASCII):
        return ""
    return "must be 20 or more letters, digits, - and _, because it ends an address"


def wrong_shared_secret(secret: str) -> str:
    """A secret that is sent along, and must be found wherever it was written."""
    return "" if len(secret) >= 8 else "is too short; 8 characters or more are needed"
