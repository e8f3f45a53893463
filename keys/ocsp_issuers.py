"""For whose certificates the OCSP responder answers: each issuing authority of ours, by the names that clients use."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import new as new_hash

from cryptography import x509

from keys import der
from keys.certificate import CertificateAuthority
from keys.certificate_rows import as_text
from keys.errors import CertificateError
from keys.issuance import public_key_bits, subject_of
from keys.ocsp_request import CertId

HASHES = {  # section 4.1.1; SHA-1 only names an issuer here (RFC 5019 section 2.1.1), it proves nothing
    "sha1": der.object_identifier("1.3.14.3.2.26"),
    "sha256": der.object_identifier("2.16.840.1.101.3.4.2.1"),
    "sha384": der.object_identifier("2.16.840.1.101.3.4.2.2"),
    "sha512": der.object_identifier("2.16.840.1.101.3.4.2.3"),
}


@dataclass(frozen=True, eq=False)
class Issuer:
    """An authority as RFC 6960 section 4.1.1 names it: by hashes of its name and of the bits of its public key."""

    name: str
    serial: str
    hashes: dict[str, tuple[bytes, bytes]]

    def question(self, serial: int, hash_name: str, *, with_null: bool = False) -> CertId:
        identifier = der.sequence(HASHES[hash_name], der.null() if with_null else b"")
        return CertId(identifier, hash_name, *self.hashes[hash_name], serial)


class Issuers:
    """One per process: an authority is hashed once, and found by its hashes without a query."""

    def __init__(self, authority: CertificateAuthority) -> None:
        self.authority = authority
        self._known: dict[str, Issuer] = {}  # by serial

    def all(self) -> list[Issuer]:
        """The newest first, which most questions are about."""
        return [self._issuer(each.name, each.certificate) for each in reversed(self.authority.generations())]

    def asked(self, question: CertId) -> Issuer | None:
        """The authority that the question names; None for a stranger's, or a hash that is not offered."""
        named = question.issuer_name_hash, question.issuer_key_hash
        return next((each for each in self.all() if each.hashes.get(question.hash_name) == named), None)

    def of_serial(self, serial: str) -> Issuer:
        """CertificateError for what is no issuing authority."""
        for each in self.all():
            if each.serial == serial:
                return each
        raise CertificateError("only what an issuing authority issued is answered for by OCSP")

    def of(self, certificate: x509.Certificate) -> Issuer:
        """Who issued this certificate; CertificateError when none of ours did."""
        return self.of_serial(as_text(self.authority.chain(certificate)[1].serial_number))

    def _issuer(self, name: str, certificate: x509.Certificate) -> Issuer:
        serial = as_text(certificate.serial_number)
        if serial not in self._known:
            self._known[serial] = Issuer(name, serial, hashes_of(certificate))
        return self._known[serial]


def hashes_of(certificate: x509.Certificate) -> dict[str, tuple[bytes, bytes]]:
    name, bits = subject_of(certificate).dump(), public_key_bits(certificate)
    return {each: (new_hash(each, name).digest(), new_hash(each, bits).digest()) for each in HASHES}
