"""Certificates for the tests: an authority, a server, a client, and a server that nobody vouches for."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, also as PEM files; ``both`` holds the two in one."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    certificate_file: Path
    key_file: Path
    both: Path

    def server_context(self, *, client_authority: Identity | None = None) -> ssl.SSLContext:
        """
        TLS for a server.

        :param client_authority: who must vouch for clients
        """
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate_file, self.key_file)
        if client_authority is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_authority.certificate_file)
        return context


def make_identity(
    name: str, folder: Path, *, authority: Identity | None = None, ca: bool = False, expired: bool = False
) -> Identity:
    """
    Make a certificate for 127.0.0.1 and localhost.

    :param authority: who signs it; itself if None
    :param ca: whether it may sign others
    :param expired: whether it was valid until a week ago
    """
    key = ec.generate_private_key(ec.SECP256R1())
    signer = authority.key if authority else key
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer = authority.certificate.subject if authority else subject
    blank = _blank(subject, issuer, key, age=7 * _DAY if expired else 0 * _DAY)
    certificate = _filled(blank, key, signer, ca=ca).sign(signer, hashes.SHA256())
    return _saved(name, folder, certificate, key)


def _blank(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, age: datetime.timedelta
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC) - age
    builder = x509.CertificateBuilder(subject_name=subject, issuer_name=issuer, public_key=key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - _DAY).not_valid_after(now + _DAY)


def _filled(
    builder: x509.CertificateBuilder,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    ca: bool,
) -> x509.CertificateBuilder:
    # All that Python 3.13's strict checks ask for.
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
    names: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    signer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    return (
        builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(signer_id, critical=False)
    )


def _saved(
    name: str, folder: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> Identity:
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    files = {"crt": public, "key": private, "pem": public + private}
    for suffix, content in files.items():
        (folder / f"{name}.{suffix}").write_bytes(content)
    paths = [folder / f"{name}.{suffix}" for suffix in files]
    return Identity(certificate, key, *paths)


@dataclass(frozen=True)
class Certificates:
    authority: Identity
    server: Identity
    client: Identity
    expired: Identity
    untrusted: Identity


def make_certificates(folder: Path) -> Certificates:
    authority = make_identity("authority", folder, ca=True)
    return Certificates(
        authority=authority,
        server=make_identity("server", folder, authority=authority),
        client=make_identity("client", folder, authority=authority),
        expired=make_identity("expired", folder, authority=authority, expired=True),
        untrusted=make_identity("untrusted", folder),
    )


def encrypted(identity: Identity, passphrase: str, folder: Path) -> Path:
    """Return a file with the certificate and its key, which needs a passphrase."""
    key = identity.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase.encode()),
    )
    file = folder / "encrypted.pem"
    file.write_bytes(identity.certificate_file.read_bytes() + key)
    return file
