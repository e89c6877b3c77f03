"""A certificate authority of our own, and PayPal as it would sign if it had that certificate."""

import uuid
import zlib
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from relay.demo.signing import paypal_headers
from relay.providers import paypal

LIVE_HOST, SANDBOX_HOST = "api.paypal.com", "api.sandbox.paypal.com"
OWNER, SANDBOX_OWNER = "messageverificationcerts.paypal.com", "messageverificationcerts.sandbox.paypal.com"
BEGINS, ENDS = datetime(2024, 1, 1, tzinfo=UTC), datetime(2044, 1, 1, tzinfo=UTC)
ISSUER_FILE = "AlderIntermediate-1.crt"


def url(name="CERT-alder-1", host=LIVE_HOST):
    return f"https://{host}/v1/notifications/certs/{name}"


@cache
def key(name="leaf"):
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _named(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _built(subject, issuer, public, signer, *extensions, ends=ENDS):
    made = x509.CertificateBuilder(_named(issuer), _named(subject), public, x509.random_serial_number(), BEGINS, ends)
    for extension, critical in extensions:
        made = made.add_extension(extension, critical=critical)
    return made.sign(signer, hashes.SHA256())


def _usage(**said):
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    more = ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**dict.fromkeys((*names, *more), False) | said)


def _authority(subject, issuer, public, signer):
    return _built(
        subject,
        issuer,
        public,
        signer,
        (x509.BasicConstraints(ca=True, path_length=None), True),
        (_usage(key_cert_sign=True, crl_sign=True), True),
        (x509.SubjectKeyIdentifier.from_public_key(public), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False),
    )


@cache
def root():
    return _authority("Alder Root", "Alder Root", key("root").public_key(), key("root"))


@cache
def between():
    return _authority("Alder Intermediate", "Alder Root", key("between").public_key(), key("root"))


@cache
def leaf(owner=OWNER, *, issuer="root", common_name=None, ends=ENDS, leaf_key=None):
    issuer_name = {"root": "Alder Root", "between": "Alder Intermediate"}.get(issuer, "Somebody Else")
    public = (leaf_key or key()).public_key()
    address = x509.UniformResourceIdentifier(f"http://cacerts.digicert.com/{ISSUER_FILE}")
    access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, address)
    return _built(
        common_name or owner,
        issuer_name,
        public,
        key(issuer),
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_usage(digital_signature=True), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectAlternativeName([x509.DNSName(owner)]), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(key(issuer).public_key()), False),
        (x509.AuthorityInformationAccess([access]), False),
        ends=ends,
    )


def pem(*certificates):
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


def make_provider(kept=None):
    """PayPal with our authority, and our certificate at hand unless a test says otherwise."""
    return paypal.provider({url(): pem(leaf())} if kept is None else kept, pem(root()))


def signed(body, webhook_id, sent=None, transmission=None, certificate=None, signer=None):
    moment = (sent or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
    transmission = transmission or uuid.uuid4().hex
    return paypal_headers(body, webhook_id, moment, transmission, signer or key(), certificate or url())


def with_same_crc32(genuine, changed, places=64):
    """A JSON object with a padding field that has the CRC32 of another: each letter of the padding flips some bits."""

    def padded(bits):
        letters = "".join("A" if bit else "@" for bit in bits)
        return b'{"x":"' + letters.encode() + b'",' + changed[1:]

    zero = zlib.crc32(padded([0] * places))
    rows = []
    for place in range(places):
        found = zlib.crc32(padded([int(one == place) for one in range(places)])) ^ zero
        rows.append((found, 1 << place))
    wanted, chosen = zlib.crc32(genuine) ^ zero, 0
    for bit in range(32):
        pivot = next((row for row in rows if row[0] >> bit & 1), None)
        if pivot is None:
            continue
        rows = [(row[0] ^ pivot[0], row[1] ^ pivot[1]) if row[0] >> bit & 1 else row for row in rows if row != pivot]
        if wanted >> bit & 1:
            wanted, chosen = wanted ^ pivot[0], chosen ^ pivot[1]
    assert not wanted
    body = padded([chosen >> place & 1 for place in range(places)])
    assert zlib.crc32(body) == zlib.crc32(genuine)
    return body
