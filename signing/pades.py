"""PAdES baseline signatures, ETSI EN 319 142-1, in two phases: `prepare` freezes the bytes, `finish` signs them.

`finish`, in this order:
1. the stored bytes are the prepared ones, and the prepared ones are those that were authorized
2. the signer's certificate leads to an anchor and is valid now
3. the key signs the attributes around the prepared digest, once
4. B-T: a time-stamp over the signature, verified
5. B-LT: chains and revocation answers, verified, into the document security store
6. B-LTA: a time-stamp over the whole document, verified
What cannot be reached raises; a lower level is never handed out in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum

from asn1crypto.algos import SignedDigestAlgorithm
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from core.settings import Settings
from keys.signer import Signer
from signing.appearance import Appearance
from signing.certificate_path import PathError, build_path, verify_signature
from signing.cms import SIGNATURE_ALGORITHMS, SignerAnswer, der_of, sign_digest, signed_data
from signing.embedded_cms import path_of_signed_data, signature_time_stamps
from signing.errors import LevelNotReached
from signing.evidence import collect_evidence
from signing.increment import Update, add_evidence, append, append_time_stamped, fill
from signing.limited_child import run
from signing.pdf_input import refusing
from signing.prepared import Continuation, Placement, Prepared, digest_around
from signing.timestamps import obtain_time_stamp, obtain_time_stamp_over
from signing.trust_material import TrustMaterial

ROOM = 12 * 1024  # bytes for the CMS around the certificates and the token: an outside one has up to 9 kB


class Level(StrEnum):
    """The words of `prajak sign --level`."""

    B_B = "b-b"
    B_T = "b-t"
    B_LT = "b-lt"
    B_LTA = "b-lta"


def prepare(
    pdf: bytes,
    *,
    settings: Settings,
    certificate: x509.Certificate,
    chain: Sequence[x509.Certificate],
    at: datetime,
    field_name: str = "",
    placement: Placement | None = None,
    appearance: Appearance | None = None,
    reason: str = "",
) -> Prepared:
    """The document with a frozen placeholder; `Prepared.byte_range_digest` is what the officer authorizes.

    `chain` are the issuers, with or without the root. Runs in the limited child. `field_name` empty makes a new
    field; an existing empty one is taken by its name, and is where the signature shows.
    """
    kept = tuple(der_of(one) for one in chain if one.issuer != one.subject)
    arguments = {
        "field_name": field_name,
        "placement": asdict(placement) if placement else None,
        "appearance": asdict(appearance) | {"at": appearance.at.isoformat()} if appearance else None,
        "at": at.isoformat(),
        "reason": reason,
        "reserved": ROOM + len(der_of(certificate)) + sum(len(one) for one in kept),
    }
    with refusing():
        answer, tail = run("prepare", arguments, pdf, max_bytes=settings.max_pdf_bytes)
    document = pdf + tail
    return Prepared(
        document=document,
        gap_start=answer["gap_start"],
        gap_end=answer["gap_end"],
        byte_range_digest=digest_around(document, answer["gap_start"], answer["gap_end"]),
        certificate=der_of(certificate),
        chain=kept,
        signing_time=at,
        field_name=answer["field_name"],
        continuation=Continuation(**answer["continuation"]),
    )


def finish(
    prepared: Prepared,
    *,
    signer: Signer,
    trust: TrustMaterial,
    level: Level = Level.B_LTA,
    expected_digest: bytes | None = None,
) -> bytes:
    """The signed document at the level asked for, or LevelNotReached. No parsing; may call outside authorities.

    `expected_digest` is the digest that was authorized; another one raises DocumentChanged.
    """
    prepared.check_digest(expected_digest)
    path = path_of(prepared.certificate, prepared.chain, trust)
    attributes, signature = sign_digest(prepared.byte_range_digest, signer=signer, certificate=prepared.certificate)
    check_signature(path[0], attributes, signature, algorithm=signer.algorithm)
    stamp = obtain_time_stamp(signature, trust=trust) if level is not Level.B_B else None
    contents = signed_data(
        attributes=attributes,
        signature=signature,
        algorithm=signer.algorithm,
        certificates=(prepared.certificate, *prepared.chain),
        time_stamp=stamp.token if stamp else None,
    )
    document = bytearray(prepared.document)
    fill(document, prepared.gap_start, prepared.gap_end, contents)
    if stamp is None or level is Level.B_T:
        return bytes(document)
    padded = contents.ljust((prepared.gap_end - prepared.gap_start - 2) // 2, b"\0")
    return preserve(
        document,
        prepared.continuation,
        signers=(path,),
        authorities=(stamp.path,),
        signatures=(padded,),
        trust=trust,
        archive=level is Level.B_LTA,
    )


def preserve(
    document: bytearray,
    continuation: Continuation,
    *,
    signers: Sequence[tuple[x509.Certificate, ...]],
    authorities: Sequence[tuple[x509.Certificate, ...]],
    signatures: Sequence[bytes],
    trust: TrustMaterial,
    archive: bool,
) -> bytes:
    """Steps 5 and 6."""
    evidence = collect_evidence(signers=signers, authorities=authorities, trust=trust)
    update = Update.of(continuation, continuation.archive_objects if archive else continuation.evidence_objects)
    add_evidence(update, evidence, signatures=signatures)
    if not archive:
        append(document, update)
    else:
        append_archive_time_stamp(document, update, trust)
    return bytes(document)


def append_archive_time_stamp(document: bytearray, update: Update, trust: TrustMaterial) -> None:
    append_time_stamped(
        document,
        update,
        time_stamp=lambda digest: obtain_time_stamp_over(digest, trust=trust).token,
        reserved=ROOM,
    )


def path_of(certificate: bytes, chain: Sequence[bytes], trust: TrustMaterial) -> tuple[x509.Certificate, ...]:
    """Step 2."""
    loaded, *others = (x509.load_der_x509_certificate(one) for one in (certificate, *chain))
    try:
        return build_path(loaded, others, trust, at=trust.clock.now())
    except PathError as error:
        raise LevelNotReached(f"the signer's certificate: {error}") from error


def check_signature(certificate: x509.Certificate, attributes: bytes, signature: bytes, *, algorithm: str) -> None:
    """What the key gave verifies under the certificate: a broken token of a signer never goes into a document."""
    try:
        verify_signature(
            certificate.public_key(),
            signature,
            attributes,
            signature_algorithm=SignedDigestAlgorithm.load(SIGNATURE_ALGORITHMS[algorithm]),
            digest="sha256",
        )
    except (InvalidSignature, ValueError) as error:
        raise SignerAnswer("the key's signature does not verify") from error


def sign(
    pdf: bytes,
    *,
    settings: Settings,
    signer: Signer,
    certificate: x509.Certificate,
    trust: TrustMaterial,
    level: Level = Level.B_LTA,
    field_name: str = "",
    placement: Placement | None = None,
    appearance: Appearance | None = None,
    reason: str = "",
) -> bytes:
    """Both phases at once, for seals."""
    path = path_of(der_of(certificate), (), trust)
    prepared = prepare(
        pdf,
        settings=settings,
        certificate=certificate,
        chain=path[1:],
        at=trust.clock.now(),
        field_name=field_name,
        placement=placement,
        appearance=appearance,
        reason=reason,
    )
    return finish(prepared, signer=signer, trust=trust, level=level)


def augment(pdf: bytes, *, settings: Settings, trust: TrustMaterial, level: Level = Level.B_LTA) -> bytes:
    """Raises the level of the signatures in a document, or renews its archive time-stamp; every signer's and
    authority's certificate must lead to our anchors.

    A signature cannot be given a time-stamp of its own afterwards: a document time-stamp takes its place (section
    6.3), and comes with the evidence, so what had none reaches B-LTA even where less was asked for.
    """
    with refusing():
        answer, _ = run("continue", {}, pdf, max_bytes=settings.max_pdf_bytes)
    signatures = [bytes.fromhex(one) for one in answer["signatures"]]
    stamps = [bytes.fromhex(one) for one in answer["time_stamps"]]
    is_stamped = bool(stamps) or all(signature_time_stamps(one) for one in signatures)
    if level is Level.B_B or (level is Level.B_T and is_stamped):
        return pdf
    tokens = [token for signature in signatures for token in signature_time_stamps(signature)]
    stamper = obtain_time_stamp(pdf, trust=trust)  # the authority that will stamp has its status in the evidence too
    return preserve(
        bytearray(pdf),
        Continuation(**answer["continuation"]),
        signers=still_answered(signatures, trust, archived=bool(stamps)),
        authorities=[*still_answered((*tokens, *stamps), trust.stamping, archived=bool(stamps)), stamper.path],
        signatures=signatures,
        trust=trust,
        archive=level is Level.B_LTA or not is_stamped,
    )


def still_answered(
    signed: Sequence[bytes], trust: TrustMaterial, *, archived: bool
) -> list[tuple[x509.Certificate, ...]]:
    """The paths whose status can be asked for. Of a certificate that has ended nobody answers any more: its evidence
    must stand in the document already, under an archive time-stamp.
    """
    paths = [path_of_signed_data(one, trust) for one in signed]
    current = [path for path in paths if path[0].not_valid_after_utc >= trust.clock.now()]
    if len(current) < len(paths) and not archived:
        raise LevelNotReached("a certificate has ended, and no archive time-stamp was made before")
    return current
