"""The payment companies relay understands: one file each, and the registry of them all."""

from __future__ import annotations

from relay.providers.adyen import ADYEN
from relay.providers.authorizenet import AUTHORIZENET
from relay.providers.base import Delivery, Parsed, Provider
from relay.providers.braintree import BRAINTREE
from relay.providers.donorbox import DONORBOX
from relay.providers.everyorg import EVERYORG
from relay.providers.generic import GENERIC
from relay.providers.givebutter import GIVEBUTTER
from relay.providers.gocardless import GOCARDLESS
from relay.providers.gofundmepro import GOFUNDMEPRO
from relay.providers.mollie import MOLLIE
from relay.providers.paypal import PAYPAL
from relay.providers.paypal_ipn import PAYPAL_IPN
from relay.providers.raisely import RAISELY
from relay.providers.square import SQUARE
from relay.providers.standard import STANDARD
from relay.providers.stripe import STRIPE

PROVIDERS: dict[str, Provider] = {
    provider.name: provider
    for provider in (
        ADYEN,
        AUTHORIZENET,
        BRAINTREE,
        DONORBOX,
        EVERYORG,
        GENERIC,
        GIVEBUTTER,
        GOCARDLESS,
        GOFUNDMEPRO,
        MOLLIE,
        PAYPAL,
        PAYPAL_IPN,
        RAISELY,
        SQUARE,
        STANDARD,
        STRIPE,
    )
}

__all__ = ["PROVIDERS", "Delivery", "Parsed", "Provider"]
