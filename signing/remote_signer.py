"""The officer's key, opened for one signature over authorized bytes and nothing else.

CMS signs not the document but its signed attributes (RFC 5652 section 5.4). So before the key is touched:

 1. the bytes are signed attributes in DER, and one `message-digest` among them is the digest that was authorized
 2. `content-type` is id-data (ETSI EN 319 142-1 section 5.2), and `signing-certificate-v2` names this credential's
    certificate (RFC 5035), so that the value serves no other purpose and no other certificate
 3. the key has not signed for this authorization: if it has, the value made then is given again
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from typing import Any

from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from keys.algorithms import PublicKey
from keys.signer import Signer
from signing.errors import DocumentChanged

SIGNING_CERTIFICATE_V2 = "signing_certificate_v2"


@dataclass(frozen=True)
class SignatureValue:
    """What the key made, and over which signed attributes."""

    signed_attributes_hash: bytes
    value: bytes


class RemoteSigner:
    """A `keys.signer.Signer` for `pades.finish`. `made` is what was kept of an earlier try; `keep` stores the value and
    answers the one that is stored: another worker's, when that was first.
    """

    def __init__(
        self,
        signer: Signer,
        certificate: x509.Certificate,
        *,
        authorized_digest: bytes,
        made: SignatureValue | None,
        keep: Callable[[SignatureValue], SignatureValue],
    ) -> None:
        self.signer = signer
        self.certificate = certificate
        self.authorized_digest = authorized_digest
        self.made = made
        self.keep = keep

    @property
    def kid(self) -> str:
        return self.signer.kid

    @property
    def algorithm(self) -> str:
        return self.signer.algorithm

    @property
    def public_key(self) -> PublicKey:
        return self.signer.public_key

    def sign(self, data: bytes) -> bytes:  # noqa: ARG002 - as the protocol has it
        """Tokens are not signed with an officer's key."""
        raise DocumentChanged

    def sign_x509(self, data: bytes) -> bytes:
        """The signature value over these signed attributes, or DocumentChanged."""
        check_signed_attributes(data, self.authorized_digest, self.certificate)  # 1, 2
        asked = sha256(data).digest()
        if self.made is None:  # 3
            self.made = self.keep(SignatureValue(asked, self.signer.sign_x509(data)))
        if not compare_digest(self.made.signed_attributes_hash, asked):
            raise DocumentChanged
        return self.made.value


def check_signed_attributes(data: bytes, authorized_digest: bytes, certificate: x509.Certificate) -> None:
    """Steps 1 and 2; raises DocumentChanged."""
    attributes = read_attributes(data)
    digest = attributes.get("message_digest")
    if not isinstance(digest, bytes) or not compare_digest(digest, authorized_digest):
        raise DocumentChanged
    if attributes.get("content_type") != "data":
        raise DocumentChanged
    if not names_certificate(attributes.get(SIGNING_CERTIFICATE_V2), certificate):
        raise DocumentChanged


def read_attributes(data: bytes) -> dict[str, Any]:
    """Each attribute once with one value (RFC 5652 section 11), in strict DER with nothing behind it."""
    try:
        parsed = cms.CMSAttributes.load(data, strict=True)
        pairs = [(each["type"].native, each["values"]) for each in parsed]
        if len(dict(pairs)) != len(pairs) or any(len(values) != 1 for _, values in pairs):
            raise DocumentChanged
        return {name: values[0].native for name, values in pairs}
    except (ValueError, TypeError, KeyError) as error:
        raise DocumentChanged from error


def names_certificate(attribute: Any, certificate: x509.Certificate) -> bool:
    """RFC 5035 section 3: the first ESSCertIDv2 is the signer's; its hash algorithm is SHA-256 by default."""
    try:
        first = attribute["certs"][0]
        algorithm = (first["hash_algorithm"] or {"algorithm": "sha256"})["algorithm"]
        named = first["cert_hash"]
    except (KeyError, IndexError, TypeError):
        return False
    encoded = certificate.public_bytes(Encoding.DER)
    return algorithm == "sha256" and compare_digest(named, sha256(encoded).digest())
