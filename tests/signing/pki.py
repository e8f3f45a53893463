"""A small certificate authority, time-stamp authority and OCSP responder of the tests' own: real ones, made with
`cryptography` alone, so that the engine meets issuers that are not ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from core.clock import Clock, SetClock
from keys.der import element, explicit, integer, object_identifier, octet_string, sequence, set_of
from signing.cms import (
    CONTENT_TYPE,
    MESSAGE_DIGEST,
    SHA256,
    SIGNATURE_ALGORITHMS,
    SIGNED_DATA,
    SIGNING_CERTIFICATE_V2,
    attribute,
    der_of,
    issuer_and_serial,
)
from signing.der_reading import contents
from signing.trust_material import TrustMaterial

TST_INFO = object_identifier("1.2.840.113549.1.9.16.1.4")
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class MemorySigner:
    """keys.signer.Signer with a key in memory."""

    key: Key
    algorithm: str = "ES256"
    kid: str = "test"

    @property
    def public_key(self) -> Any:
        return self.key.public_key()

    def sign(self, data: bytes) -> bytes:
        """As JWS has it (RFC 7518 section 3.4): for ECDSA the two numbers side by side."""
        signature = self.sign_x509(data)
        if not isinstance(self.key, ec.EllipticCurvePrivateKey):
            return signature
        size = (self.key.key_size + 7) // 8
        return b"".join(number.to_bytes(size, "big") for number in decode_dss_signature(signature))

    def sign_x509(self, data: bytes) -> bytes:
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return self.key.sign(data, ec.ECDSA(hashes.SHA256()))
        if self.algorithm == "PS256":
            return self.key.sign(data, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
        return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def new_key(algorithm: str = "ES256") -> Key:
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, 2048)


@dataclass
class Authority:
    """One CA: its certificate, its key, what it revoked."""

    certificate: x509.Certificate
    key: Key
    clock: Clock
    revoked: dict[int, datetime] = field(default_factory=dict)
    responder: tuple[x509.Certificate, Key] | None = None

    def issue(
        self,
        common_name: str,
        public_key: Any,
        *,
        days: int = 365,
        ca: bool = False,
        usage: Any = None,
        no_check: bool = False,
        short_term: str = "",
        organization: str = "กรมทดสอบ",
    ) -> x509.Certificate:
        now = self.clock.now()
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(common_name, organization))
            .issuer_name(self.certificate.subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=1))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(key_usage(ca=ca), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.certificate.public_key()),  # type: ignore[arg-type]
                critical=False,
            )
        )
        if short_term:
            said = x509.UnrecognizedExtension(x509.ObjectIdentifier(short_term), b"\x05\x00")
            builder = builder.add_extension(said, critical=False)
        if not ca and not no_check and not short_term:
            location = x509.UniformResourceIdentifier("http://ocsp.test.invalid/")
            builder = builder.add_extension(
                x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.OCSP, location)]),
                critical=False,
            )
        if usage:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
        if no_check:
            builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def renew_responder(self) -> None:
        key = new_key()
        usage = ExtendedKeyUsageOID.OCSP_SIGNING
        self.responder = (self.issue("Test OCSP", key.public_key(), usage=usage, no_check=True), key)

    def crl(self) -> bytes:
        now = self.clock.now()
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(now)
            .next_update(now + timedelta(days=7))
            .add_extension(x509.CRLNumber(1), critical=False)
        )
        for serial, when in self.revoked.items():
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(when).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def ocsp(self, certificate: x509.Certificate) -> bytes:
        now = self.clock.now()
        when = self.revoked.get(certificate.serial_number)
        responder, key = self.responder or (self.certificate, self.key)
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=certificate,
                issuer=self.certificate,
                algorithm=hashes.SHA1(),  # noqa: S303 - RFC 6960's CertID, no protection
                cert_status=ocsp.OCSPCertStatus.REVOKED if when else ocsp.OCSPCertStatus.GOOD,
                this_update=now,
                next_update=now + timedelta(hours=1),
                revocation_time=when,
                revocation_reason=x509.ReasonFlags.key_compromise if when else None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, responder)
        )
        if self.responder:
            builder = builder.certificates([responder])
        return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


@dataclass
class TestTimeStamps:
    """RFC 3161, answered honestly; `spoil` changes the answer for tests of what must be refused."""

    __test__ = False

    certificate: x509.Certificate
    key: Key
    chain: list[x509.Certificate]
    clock: Clock
    spoil: Any = None
    asked: int = 0

    def answer(self, der_request: bytes) -> bytes:
        self.asked += 1
        request = tsp.TimeStampReq.load(der_request)
        imprint = request["message_imprint"].dump()
        nonce = request["nonce"].native
        at = self.clock.now()
        if self.spoil:
            imprint, nonce, at = self.spoil(imprint, nonce, at)
        content = sequence(
            integer(1),
            object_identifier("1.3.6.1.4.1.99999.1"),
            imprint,
            integer(self.asked),
            element(0x18, at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode()),
            integer(nonce),
        )
        return sequence(sequence(integer(0)), self.token(content))

    def token(self, content: bytes) -> bytes:
        attributes = set_of(
            attribute(CONTENT_TYPE, TST_INFO),
            attribute(MESSAGE_DIGEST, octet_string(sha256(content).digest())),
            attribute(
                SIGNING_CERTIFICATE_V2,
                sequence(sequence(sequence(octet_string(sha256(der_of(self.certificate)).digest())))),
            ),
        )
        signer_info = sequence(
            integer(1),
            issuer_and_serial(der_of(self.certificate)),
            SHA256,
            explicit(0, contents(attributes)),
            SIGNATURE_ALGORITHMS["ES256"],
            octet_string(MemorySigner(self.key).sign_x509(attributes)),
        )
        body = sequence(
            integer(3),
            set_of(SHA256),
            sequence(TST_INFO, explicit(0, octet_string(content))),
            explicit(0, b"".join(der_of(one) for one in (self.certificate, *self.chain))),
            set_of(signer_info),
        )
        return sequence(SIGNED_DATA, explicit(0, body))


@dataclass
class Pki:
    """Root, issuing CA, time-stamp authority, OCSP responder; it answers for its own certificates."""

    clock: SetClock
    root: Authority
    issuing: Authority
    time_stamps: TestTimeStamps

    @classmethod
    def new(cls, clock: SetClock, *, tsa_days: int = 3650) -> Pki:
        root_key, issuing_key, tsa_key = (new_key() for _ in range(3))
        root_certificate = self_signed("Test Root", root_key, clock)
        root = Authority(root_certificate, root_key, clock)
        issuing_certificate = root.issue("Test Issuing CA", issuing_key.public_key(), ca=True, days=3650)
        issuing = Authority(issuing_certificate, issuing_key, clock)
        issuing.renew_responder()
        tsa = issuing.issue("Test TSA", tsa_key.public_key(), usage=ExtendedKeyUsageOID.TIME_STAMPING, days=tsa_days)
        return cls(clock, root, issuing, TestTimeStamps(tsa, tsa_key, [issuing_certificate], clock))

    def officer(self, common_name: str = "อนันต์ ใจดี", *, algorithm: str = "ES256", **how: Any) -> Any:
        key = new_key(algorithm)
        return MemorySigner(key, algorithm), self.issuing.issue(common_name, key.public_key(), **how)

    @property
    def authorities(self) -> list[x509.Certificate]:
        return [self.root.certificate, self.issuing.certificate]

    def authority_of(self, certificate: x509.Certificate) -> Authority:
        return next(one for one in (self.root, self.issuing) if one.certificate.subject == certificate.issuer)

    def ocsp_for(self, certificate: x509.Certificate, issuer: x509.Certificate) -> bytes | None:
        is_authority = certificate == self.issuing.certificate
        return None if is_authority else self.authority_of(certificate).ocsp(certificate)

    def crls_for(self, certificate: x509.Certificate) -> list[bytes]:
        return [self.authority_of(certificate).crl()]

    def lists(self) -> list[bytes]:
        return [self.root.crl(), self.issuing.crl()]

    @property
    def trust(self) -> TrustMaterial:
        return TrustMaterial(
            time_stamps=self.time_stamps,
            revocation=self,
            authorities=self.authorities,
            anchors=[self.root.certificate],
            clock=self.clock,
        )


def self_signed(common_name: str, key: Key, clock: Clock) -> x509.Certificate:
    now = clock.now()
    return (
        x509.CertificateBuilder()
        .subject_name(name(common_name, "Test"))
        .issuer_name(name(common_name, "Test"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=7300))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(key_usage(ca=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def name(common_name: str, organization: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "TH"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=not ca,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
