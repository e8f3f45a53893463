"""The trust services in this process: OCSP, time-stamps, the envelope, the audit trail; beside a peer, or what nobody
can leave out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from time import process_time

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from bench.row import Row, cost, pair
from core import audit
from idp.background import chain_audit
from idp.composition import Provider
from keys import der
from keys.purposes import Purpose

CHAINED = 500  # entries a measurement
NONCE = 16
ROUNDS = 6
TRUE = b"\x01\x01\xff"  # certReq


def ocsp_question(provider: Provider, certificate: x509.Certificate, *, nonce: bool = False) -> bytes:
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, provider.trust.ca.issuing, SHA256())
    if nonce:
        builder = builder.add_extension(x509.OCSPNonce(os.urandom(NONCE)), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def time_stamp_query(*, cert_req: bool = True) -> bytes:
    """RFC 3161 section 2.4.1."""
    imprint = der.sequence(
        der.sequence(der.object_identifier("2.16.840.1.101.3.4.2.1")), der.octet_string(os.urandom(32))
    )
    nonce = der.integer(int.from_bytes(os.urandom(8), "big"))
    return der.sequence(der.integer(1), imprint, nonce, TRUE if cert_req else b"")


def peer_ocsp(provider: Provider) -> Callable[[], bytes]:
    """The same answer by cryptography's builder, with a key in memory and without looking anything up."""
    key, now = ec.generate_private_key(ec.SECP256R1()), provider.ground.clock.now()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "peer")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    certificate = builder.sign(key, SHA256())

    def answer() -> bytes:
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=certificate,
            issuer=certificate,
            algorithm=SHA256(),
            cert_status=ocsp.OCSPCertStatus.GOOD,
            this_update=now,
            next_update=now + timedelta(hours=1),
            revocation_time=None,
            revocation_reason=None,
        )
        named = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, certificate).certificates([certificate])
        return named.sign(key, SHA256()).public_bytes(Encoding.DER)

    return answer


def service_rows(provider: Provider) -> Iterator[Row]:
    trust = provider.trust
    certificate = trust.services.current(Purpose.TSA).certificate
    plain, fresh = ocsp_question(provider, certificate), ocsp_question(provider, certificate, nonce=True)
    yield Row("an OCSP answer, signed before", cost(lambda: trust.ocsp.answer(plain)))
    yield from pair(
        "an OCSP answer with a nonce", lambda: trust.ocsp.answer(fresh), "the same by cryptography", peer_ocsp(provider)
    )
    committed = cost(lambda: commit(provider))
    yield Row("one durable commit", committed)
    yield Row("a time-stamp", cost(lambda: trust.tsa.answer(time_stamp_query())), "one durable commit", committed)


def envelope_rows(provider: Provider) -> Iterator[Row]:
    envelope, plaintext, aad = provider.trust.envelope, b"x" * 100, "bench"
    cipher = AESGCM(os.urandom(32))

    def bare_seal() -> bytes:
        nonce = os.urandom(12)
        return nonce + cipher.encrypt(nonce, plaintext, aad.encode())

    bare = bare_seal()
    sealed = envelope.seal(plaintext, aad=aad)
    yield from pair("sealing 100 bytes", lambda: envelope.seal(plaintext, aad=aad), "AES-256-GCM, bare", bare_seal)
    opened = cost(lambda: cipher.decrypt(bare[:12], bare[12:], aad.encode()))
    yield Row("opening them", cost(lambda: envelope.open(sealed, aad=aad)), "AES-256-GCM, bare", opened)


def audit_rows(provider: Provider) -> Iterator[Row]:
    """Entries many to a transaction, as they are chained many at once; and the hash that each must have."""
    ground = provider.ground

    def append() -> None:
        with ground.database.write() as connection:
            for _ in range(CHAINED):
                audit.record(connection, ground.clock, event="bench.entry", actor="bench", subject="s" * 22)

    chain_audit(provider)
    bare = cost(lambda: sha256(b"x" * 400).digest())
    appended = cost(append) / CHAINED
    yield Row("an audit entry written", appended)
    yield Row("and chained", cost_of_chaining(provider, append), "SHA-256 of 400 bytes", bare)


def cost_of_chaining(provider: Provider, append: Callable[[], None]) -> float:
    """CPU-milliseconds for an entry, when many wait."""
    spent = 0.0
    for _ in range(ROUNDS):
        append()
        begun = process_time()
        chain_audit(provider)
        spent += process_time() - begun
    return spent * 1000 / (ROUNDS * CHAINED)


def commit(provider: Provider) -> None:
    with provider.ground.database.write() as connection:
        connection.exec_driver_sql("UPDATE installation SET mode = mode")
