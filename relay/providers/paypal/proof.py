"""PayPal's signature: RSA by a certificate that a header names, over a text that holds the CRC32 of the body.

https://developer.paypal.com/api/rest/webhooks/rest/#link-selfverificationmethod. A CRC32 binds the body only weakly:
whoever has one genuine delivery can build another body that verifies. So this proves who sent something at that moment
and no more; docs/providers/paypal.md says what protects the amounts. X.509 and RSA are here and nowhere else among the
providers: whoever has no PayPal never loads this.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from relay.config import ProviderSettings
from relay.errors import BadSignature, ProofPending
from relay.providers.asking import environment
from relay.providers.base import Delivery
from relay.providers.calling import Caller
from relay.providers.paypal.headers import HOSTS, SIMULATED, SIMULATOR, claim
from relay.providers.signatures import check_age

# Whose certificate it must be.
OWNERS = {
    "api.paypal.com": "messageverificationcerts.paypal.com",
    "api.sandbox.paypal.com": "messageverificationcerts.sandbox.paypal.com",
}
# PayPal tries again for three days, and nowhere says that a later try is signed anew: none of these may be lost. A
# repeat by a stranger is stopped by the transmission's id, not by its age.
SENT_AGAIN_FOR = 3 * 24 * 60 * 60
# Where DigiCert keeps the certificates of its authorities, if PayPal does not send them along.
_ISSUER = re.compile(r"http://cacerts\.digicert\.com/([A-Za-z0-9][A-Za-z0-9_-]{0,99}\.crt)", re.ASCII)
DIGICERT = Path(__file__).with_name("digicert.pem")


class Kept(Protocol):
    """Certificates by their address, kept beyond one process; a dict will do for a test."""

    def get(self, url: str, /) -> bytes | None:
        """The PEM, or None."""

    def __setitem__(self, url: str, pem: bytes, /) -> None:
        """Keep a PEM that was found good."""


@dataclass(frozen=True, slots=True)
class Authorities:
    """Whom relay trusts to say which key is PayPal's."""

    roots: tuple[x509.Certificate, ...]
    between: tuple[x509.Certificate, ...] = ()


@cache
def authorities(pem: bytes) -> Authorities:
    """Those in a file: what has signed itself is a root. None (b""): DigiCert's, which come with relay."""
    found = x509.load_pem_x509_certificates(pem or DIGICERT.read_bytes())
    roots = tuple(one for one in found if one.issuer == one.subject)
    return Authorities(roots, tuple(one for one in found if one not in roots))


# --- the proof -----------------------------------------------------------------------------------------------------


def verify(delivery: Delivery, settings: ProviderSettings, now: datetime, kept: Kept, trusted: Authorities) -> int:
    """The place of the webhook id it was signed for. Raises BadSignature, or ProofPending without a certificate."""
    told = claim(delivery, settings)
    usable = _usable(settings)
    check_age(told.sent, now, settings.tolerance + (SENT_AGAIN_FOR if told.sent < now.timestamp() else 0))
    pem = kept.get(told.url)
    if pem is None:
        raise ProofPending("the certificate of this signature must be fetched")
    key = public_key(pem, OWNERS[HOSTS[environment(settings)]], now, trusted)
    for place, webhook_id in usable:
        if _signed_by(key, told.signature, told.signed(webhook_id, delivery.body)):
            return place
    if _signed_by(key, told.signature, told.signed(SIMULATED, delivery.body)):
        raise BadSignature("it comes from PayPal's simulator, which anyone may use: no secret of this organization")
    raise BadSignature("not signed for a configured secret (webhook id) over this body")


def _usable(settings: ProviderSettings) -> list[tuple[int, str]]:
    """The webhook ids that count: the simulator's only where nothing is real, and there no other."""
    simulated = environment(settings) == SIMULATOR
    named = [(place, secret.strip()) for place, secret in enumerate(settings.secrets) if secret.strip()]
    usable = [(place, secret) for place, secret in named if (secret == SIMULATED) == simulated]
    if not usable:
        raise BadSignature("no signing secret (webhook id) is configured for this provider and environment")
    return usable


def _signed_by(key: rsa.RSAPublicKey, signature: bytes, signed: bytes) -> bool:
    try:
        key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def public_key(pem: bytes, owner: str, at: datetime, trusted: Authorities) -> rsa.RSAPublicKey:
    """The key of a certificate that was PayPal's at that moment. Raises BadSignature."""
    try:
        leaf, *between = x509.load_pem_x509_certificates(pem)
        verifier = PolicyBuilder().store(Store(list(trusted.roots))).time(at).build_server_verifier(x509.DNSName(owner))
        verifier.verify(leaf, [*between, *trusted.between])
    except (ValueError, VerificationError) as error:
        raise BadSignature(f"the certificate is not one of {owner} at {at:%Y-%m-%d}, proven by DigiCert") from error
    names = [str(one.value) for one in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    key = leaf.public_key()
    if names != [owner] or not isinstance(key, rsa.RSAPublicKey):
        raise BadSignature(f"the certificate is not an RSA certificate of {owner}")
    return key


# --- the certificate, for a worker ---------------------------------------------------------------------------------


def learn(
    delivery: Delivery, settings: ProviderSettings, caller: Caller, at: datetime, kept: Kept, trusted: Authorities
) -> None:
    """Fetch the certificate of a delivery, and keep it if it is PayPal's. Raises FetchFailed or BadSignature."""
    url = claim(delivery, settings).url
    if kept.get(url) is not None:
        return
    pem = with_issuers(caller.get(url).body, caller, trusted)
    public_key(pem, OWNERS[HOSTS[environment(settings)]], at, trusted)
    kept[url] = pem


def with_issuers(pem: bytes, caller: Caller, trusted: Authorities) -> bytes:
    """A certificate together with the one that issued it, fetched from DigiCert where nobody here has it."""
    try:
        leaf, *between = x509.load_pem_x509_certificates(pem)
        known = {one.subject for one in (*between, *trusted.between, *trusted.roots)}
        if leaf.issuer in known or not (name := _issuer_file(leaf)):
            return pem
        issuer = x509.load_der_x509_certificate(caller.get(f"http://cacerts.digicert.com/{name}").body)
    except ValueError:
        raise BadSignature("PayPal's answer holds no certificate") from None
    return pem.rstrip() + b"\n" + issuer.public_bytes(Encoding.PEM)


def _issuer_file(leaf: x509.Certificate) -> str:
    """The file of the issuer's certificate at DigiCert. What it holds must be proven by a root we have."""
    try:
        found = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return ""
    issuers = [one for one in found if one.access_method == AuthorityInformationAccessOID.CA_ISSUERS]
    matches = [_ISSUER.fullmatch(str(one.access_location.value)) for one in issuers]
    return next((match.group(1) for match in matches if match), "")
