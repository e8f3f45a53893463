"""The cryptography of one CMS: ETSI EN 319 102-1 section 5.2.7, RFC 5652 section 5.4, RFC 5035 section 3."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from asn1crypto import cms, tsp, x509
from cryptography.hazmat.primitives import hashes
from pyhanko.sign.ades.report import AdESFailure, AdESIndeterminate
from pyhanko.sign.general import extract_signer_info
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import extract_certs_for_validation, validate_sig_integrity
from pyhanko_certvalidator.util import get_pyca_cryptography_hash

from signing.child.findings import Finding
from signing.reasons import Reason

WEAK_DIGESTS = frozenset({"md2", "md5", "sha1"})  # ETSI TS 119 312 section 5: no signature after 2013 has a reason to
SMALLEST_RSA = 2048


def digest_with(name: str) -> hashes.Hash:
    try:
        return hashes.Hash(get_pyca_cryptography_hash(name))
    except (AttributeError, ValueError) as error:
        raise Finding(AdESIndeterminate.CRYPTO_CONSTRAINTS_FAILURE, Reason.TOO_WEAK) from error


def check_signature(signed_data: cms.SignedData, digest: Callable[[str], bytes], content_type: str) -> x509.Certificate:
    """The signer's certificate, once the digest is the one signed and the signature verifies under it."""
    try:
        certificate = extract_certs_for_validation(signed_data).signer_cert
        signer_info = extract_signer_info(signed_data)
        algorithm = signer_info["digest_algorithm"]["algorithm"].native
        check_strength(algorithm, certificate)
        intact, valid = validate_sig_integrity(
            signer_info, certificate, expected_content_type=content_type, actual_digest=digest(algorithm)
        )
    except SignatureValidationError as error:
        subindication: Any = error.ades_subindication or AdESFailure.FORMAT_FAILURE
        no_certificate = subindication is AdESIndeterminate.NO_SIGNING_CERTIFICATE_FOUND
        reason = Reason.NO_SIGNING_CERTIFICATE if no_certificate else Reason.NOT_WELL_FORMED
        raise Finding(subindication, reason) from error
    if not intact:
        raise Finding(AdESFailure.HASH_FAILURE, Reason.CONTENT_CHANGED)
    if not valid:
        raise Finding(AdESFailure.SIG_CRYPTO_FAILURE, Reason.VALUE_WRONG)
    return certificate


def check_strength(digest_algorithm: str, certificate: x509.Certificate) -> None:
    key = certificate.public_key
    weak_key = key.algorithm in ("rsa", "rsassa_pss") and key.bit_size < SMALLEST_RSA
    if digest_algorithm in WEAK_DIGESTS or weak_key:
        raise Finding(AdESIndeterminate.CRYPTO_CONSTRAINTS_FAILURE, Reason.TOO_WEAK)


def check_token(signed_data: cms.SignedData, imprint: Callable[[str], bytes]) -> tuple[x509.Certificate, datetime]:
    """RFC 3161 section 2.4.2: a time-stamp over this digest, signed as its certificate says."""
    content = signed_data["encap_content_info"]["content"]
    stamped: Any = getattr(content, "parsed", None)
    if not isinstance(stamped, tsp.TSTInfo):
        raise Finding(AdESFailure.FORMAT_FAILURE, Reason.TIME_STAMP_UNREADABLE)

    def digest(name: str) -> bytes:
        counted = digest_with(name)
        counted.update(bytes(content))
        return counted.finalize()

    certificate = check_signature(signed_data, digest, "tst_info")
    algorithm = stamped["message_imprint"]["hash_algorithm"]["algorithm"].native
    if algorithm in WEAK_DIGESTS:
        raise Finding(AdESIndeterminate.CRYPTO_CONSTRAINTS_FAILURE, Reason.TOO_WEAK)
    if stamped["message_imprint"]["hashed_message"].native != imprint(algorithm):
        raise Finding(AdESFailure.HASH_FAILURE, Reason.TIME_STAMP_OTHER_BYTES)
    moment: datetime = stamped["gen_time"].native
    return certificate, moment
