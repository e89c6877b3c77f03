"""The payment providers an organization may name, as data; a test holds it equal to the registry of
``relay.providers``, which this room may not import.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from relay.config import api_options, mapping_options
from relay.config.checks import wrong_currency

_SECRET_PREFIX = "whsec_"  # noqa: S105  # nosec B105  # the public beginning of every such secret
_PUBLIC_PREFIX = "whpk_"
_HEX_KEY = re.compile(r"[0-9A-Fa-f]{64}", re.ASCII)
_WEBHOOK_ID = re.compile(r"[A-Za-z0-9_-]{5,50}", re.ASCII)
_AMOUNT = re.compile(r"\d{1,12}(\.\d{1,4})?", re.ASCII)


def _stripe(secret: str) -> str:
    if secret.startswith(("sk_", "rk_", "pk_")):
        return "is an API key; a signing secret of a webhook endpoint is needed (whsec_...)"
    return ""


def _standard(secret: str) -> str:
    """Standard Webhooks: ``whsec_`` and the base64 of 24 to 64 bytes (the specification, "Signature scheme")."""
    if secret.startswith(_PUBLIC_PREFIX):
        return "is a public key (whpk_...); only symmetric secrets (whsec_...) can be verified"
    try:
        size = len(base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True))
    except (binascii.Error, ValueError):
        return "is not base64 after whsec_"
    return "" if 24 <= size <= 64 else f"decodes to {size} bytes; 24 to 64 are needed"


def _square(secret: str) -> str:
    if secret.startswith(("EAAA", "sq0", "sandbox-sq0")):
        return "is an access token or an application's id; the signature key of the webhook subscription is needed"
    return ""


def _paypal(secret: str) -> str:
    """A webhook's id; the simulator's is the literal WEBHOOK_ID."""
    if _WEBHOOK_ID.fullmatch(secret):
        return ""
    return "is not a webhook id: the letters and digits that PayPal shows beside the webhook's URL"


def _amount(value: str) -> str:
    return "" if _AMOUNT.fullmatch(value) else "must be an amount such as 1000.00"


def _adyen(secret: str) -> str:
    """The HMAC key of a webhook is 64 hexadecimal digits."""
    return "" if _HEX_KEY.fullmatch(secret) else "is not an HMAC key of 64 hexadecimal digits"


def _braintree(secret: str) -> str:
    if secret.startswith(("production_", "sandbox_")) or "$" in secret:
        return "is a tokenization key or an access token; the private key of an API key is needed"
    return ""


# The provider's name in webhook URLs -> what is wrong with one of its secrets ("": nothing).
PROVIDERS: Mapping[str, Callable[[str], str]] = {
    "stripe": _stripe,
    "standard": _standard,
    "donorbox": mapping_options.wrong_shared_secret,
    "everyorg": mapping_options.wrong_token,
    "generic": lambda _secret: "",
    "givebutter": mapping_options.wrong_shared_secret,
    "gofundmepro": _standard,
    "raisely": mapping_options.wrong_shared_secret,
    "authorizenet": api_options.wrong_authorizenet_secret,
    "gocardless": api_options.wrong_gocardless_secret,
    "mollie": api_options.wrong_path_secret,
    "paypal_ipn": api_options.wrong_path_secret,
    "paypal": _paypal,
    "square": _square,
    "adyen": _adyen,
    "braintree": _braintree,
}


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a provider: ``wrong`` says what is wrong with a value ("": nothing)."""

    wrong: Callable[[str], str] = lambda _value: ""
    required: bool = False


def _one_of(*words: str) -> Callable[[str], str]:
    return lambda value: "" if value in words else f"must be one of {', '.join(words)}"


def _https_url(value: str) -> str:
    """An address that is used byte by byte; http only for this machine."""
    if any(letter.isspace() for letter in value):
        return "must not have blanks in it"
    if value.startswith(("https://", "http://localhost", "http://127.0.0.1")):
        return ""
    return "is not an https address"


def _public_keys(value: str) -> str:
    """Several stand in the order of their private keys."""
    return "" if split_secrets(value) and "|" not in value and "&" not in value else "is not a list of public keys"


# The provider's name -> its own options under ``providers.<name>.options``. None that is not here is taken.
OPTIONS: Mapping[str, Mapping[str, Option]] = {
    "donorbox": {
        "fund_from": Option(_one_of("designation", "campaign")),
        "updates": Option(_one_of("hold", "post")),
    },
    "everyorg": {"nonprofit": Option()},
    "generic": {
        name: Option(wrong, required=name in mapping_options.NEEDED)
        for name, wrong in {**mapping_options.SIGNING, **mapping_options.MAPPING}.items()
    },
    "givebutter": {
        "signature": Option(_one_of("secret", "hmac")),
        "fund_from": Option(_one_of("fund_code", "campaign_code")),
    },
    "gofundmepro": {name: Option(wrong) for name, wrong in mapping_options.MAPPING.items()},
    "authorizenet": {
        "login_id": Option(api_options.wrong_credential, required=True),
        "transaction_key": Option(api_options.wrong_credential, required=True),
        "environment": Option(api_options.wrong_environment),
        "currency": Option(wrong_currency),
        "fund_from": Option(api_options.wrong_anet_fund),
        "api_url": Option(api_options.wrong_api_url),
    },
    "paypal_ipn": {
        "receiver": Option(required=True),
        "fund_from": Option(api_options.wrong_ipn_fund),
        "api_url": Option(api_options.wrong_api_url),
    },
    "mollie": {
        "api_key": Option(api_options.wrong_mollie_key, required=True),
        "api_url": Option(api_options.wrong_api_url),
    },
    "gocardless": {
        "access_token": Option(api_options.wrong_gocardless_token, required=True),
        "environment": Option(api_options.wrong_environment),
        "api_url": Option(api_options.wrong_api_url),
    },
    "paypal": {
        "environment": Option(_one_of("live", "sandbox", "simulator")),
        "client_id": Option(api_options.wrong_credential),
        "client_secret": Option(api_options.wrong_credential),
        "unconfirmed_limit": Option(_amount),
        "fund_from": Option(_one_of("custom", "invoice", "none")),
        "api_url": Option(api_options.wrong_api_url),
    },
    "square": {
        "notification_url": Option(_https_url, required=True),
        "fund_from": Option(_one_of("reference_id", "note", "none")),
        "access_token": Option(api_options.wrong_square_token),
        "api_url": Option(api_options.wrong_api_url),
    },
    "stripe": {
        "api_key": Option(api_options.wrong_stripe_key),
        "api_url": Option(api_options.wrong_api_url),
    },
    "adyen": {
        "username": Option(),
        "password": Option(),
        "capture": Option(_one_of("automatic", "manual")),
        "merchant_reference": Option(_one_of("shared", "unique")),
    },
    "braintree": {
        "public_key": Option(_public_keys, required=True),
        "currency": Option(wrong_currency),
        "fund_from": Option(_one_of("custom_fields", "plan_id", "order_id", "none")),
        "disbursements": Option(_one_of("hold", "gifts", "ignore")),
    },
}


def option_variable(provider: str, option: str) -> str:
    """The environment variable that holds an option of a provider."""
    return f"{provider}_{option}".upper().replace("-", "_")


def secret_variable(provider: str) -> str:
    """The environment variable that holds the secrets of a provider."""
    return f"{provider.upper().replace('-', '_')}_WEBHOOK_SECRET"


def split_secrets(text: str) -> list[str]:
    """Several secrets in one text, separated by commas or blanks, each once, in order."""
    return list(dict.fromkeys(text.replace(",", " ").split()))
