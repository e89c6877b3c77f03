"""The key that stands for PayPal's in the demo, and the certificate for it: nobody else can sign as PayPal.

Made once for each directory of a demo. The authority's own key is never written; the certificate says the name of
PayPal's *sandbox*, and relay believes it only where ``RELAY_DEMO_AUTHORITY`` names the authority.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from relay.providers.asking import SANDBOX
from relay.providers.paypal.headers import HOSTS
from relay.providers.paypal.proof import OWNERS

OWNER = OWNERS[HOSTS[SANDBOX]]
AUTHORITY = "The authority of relay's demo"
LASTS = timedelta(days=3650)
_FILES = ("key.pem", "certificate.pem", "authority.pem")


@dataclass(frozen=True, slots=True)
class PayPalKey:
    """The key, its certificate (PEM), and the file with the authority that issued it."""

    key: rsa.RSAPrivateKey
    certificate: bytes
    authority: Path

    @property
    def url(self) -> str:
        """Where PayPal would keep the certificate; relay finds it in its ledger under this address."""
        print_of = hashlib.sha256(self.certificate).hexdigest()[:16]
        return f"https://{HOSTS[SANDBOX]}/v1/notifications/certs/CERT-relay-demo-{print_of}"


def paypal_key(directory: Path) -> PayPalKey:
    """The key kept in the directory; made where there is none."""
    if not directory.exists():
        _write(directory)
    key = serialization.load_pem_private_key((directory / _FILES[0]).read_bytes(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("PayPal signs with RSA")
    return PayPalKey(key, (directory / _FILES[1]).read_bytes(), directory / _FILES[2])


def _write(directory: Path) -> None:
    """All of it or nothing: a demo may be killed at any moment."""
    half = directory.with_name(f"{directory.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(mode=0o700)
    for name, content in zip(_FILES, _made(), strict=True):
        (half / name).write_bytes(content)
    half.replace(directory)


def _made() -> tuple[bytes, bytes, bytes]:
    """Key, certificate and authority as PEM."""
    key, issuer = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())
    unencrypted = serialization.NoEncryption()
    private = key.private_bytes(Encoding.PEM, serialization.PrivateFormat.PKCS8, unencrypted)
    certificate, authority = _certificate(key.public_key(), issuer), _authority(issuer)
    return private, certificate.public_bytes(Encoding.PEM), authority.public_bytes(Encoding.PEM)


def _authority(own: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    return (
        _begun(AUTHORITY, own.public_key(), own)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(for_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .sign(own, hashes.SHA256())
    )


def _certificate(key: rsa.RSAPublicKey, issuer: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    return (
        _begun(OWNER, key, issuer)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(for_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(OWNER)]), critical=False)
        .sign(issuer, hashes.SHA256())
    )


def _begun(
    name: str, public: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, issuer: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(AUTHORITY))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + LASTS)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, for_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not for_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=for_certificates,
        crl_sign=for_certificates,
        encipher_only=False,
        decipher_only=False,
    )
