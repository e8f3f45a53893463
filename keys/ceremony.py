"""The root's ceremony, on a machine without a network: a folder, a root key that only its shares open, and minutes.

No database and no settings are needed: the folder is all there is, and is kept with the machine. The root's private key
is an encrypted PKCS#8 file (RFC 5958); its passphrase is a random secret that exists only in shares (keys/shares.py),
each in one person's hands, so that no fewer than M of N can make the root sign. What it signed is in the ledger before
it leaves the folder, and every act is in the minutes, with the fingerprints to be read aloud and signed by hand.

    hold           makes the root, its certificate, its first list, and the shares
    sign_issuing   certifies the provider's issuing key, from its request (`prajak ca request`)
    sign_list      a new revocation list, before the last one ends, or to revoke
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from secrets import token_bytes
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from keys.algorithms import AlgorithmName, algorithm_named
from keys.certificate_request import pem_of, verified_request
from keys.certificate_rows import RevocationReason, RevokedStatus, as_text
from keys.crl import signed_list
from keys.errors import CertificateError, KeystoreError
from keys.issuance import pointers_below, signed_certificate, subject_of
from keys.key_files import write_whole
from keys.practice import Practice
from keys.shares import SECRET_BYTES, combine, split
from keys.signer import Signer
from keys.software_signer import SoftwareSigner
from keys.subject import Subject, names_of

KEY, LEDGER, MINUTES = "root.key.pem", "ceremony.json", "minutes.txt"
ALGORITHM = algorithm_named(AlgorithmName.ES384)
LIST_LIFETIME = timedelta(days=190)  # half a year, and a week for the people to meet
LONGEST_LIST = timedelta(days=365)  # EN 319 411-1 section 6.3.9: an offline authority signs one a year at least
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Ledger:
    """What the root is, and all it ever signed. `authority` is its name below /ca/, `base` where the provider is."""

    authority: str
    base: str
    fingerprint: str
    needed: int
    shares: int
    list_number: int = 0
    issued: list[dict[str, str]] = field(default_factory=list)  # serial, kid, fingerprint, at
    revoked: list[dict[str, str]] = field(default_factory=list)  # serial, reason, at


@dataclass(frozen=True)
class Root:
    """The root, its key open. Nothing keeps one longer than an act."""

    folder: Path
    ledger: Ledger
    certificate: x509.Certificate
    signer: Signer


def hold(
    folder: Path,
    *,
    name: Subject,
    authority: str,
    base: str,
    needed: int,
    shares: int,
    practice: Practice,
    now: datetime,
) -> list[str]:
    """Makes the root in a new folder and returns the shares, which are written nowhere: hand out each, keep none."""
    if folder.exists() and any(folder.iterdir()):
        raise CertificateError(f"{folder} is not empty: a root is made in a new folder")
    secret = token_bytes(SECRET_BYTES)
    lines = split(secret, needed=needed, shares=shares)
    private_key = ALGORITHM.generate()
    signer = SoftwareSigner(private_key, ALGORITHM)
    certificate = signed_certificate(
        practice.profiles["root"],
        names=names_of(name, practice.layout),
        public_key=signer.public_key,
        signer=signer,
        issuer=None,
        pointers=pointers_below(base, authority),
        now=now,
    )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    encryption = BestAvailableEncryption(passphrase_of(secret))
    write_whole(folder / KEY, private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    ledger = Ledger(authority, base, fingerprint(certificate), needed, shares)
    write_whole(folder / f"{authority}.crt", certificate.public_bytes(Encoding.PEM))
    write_ledger(folder, ledger)
    root = open_root(folder, lines[:needed])  # as it will be opened in years: the file, the shares, the key
    note(
        folder,
        now,
        f"The root {authority} was made with Prajak {version('prajak')}.",
        subject=subject_of(certificate).human_friendly,
        serial_number=as_text(certificate.serial_number),
        ends=f"{certificate.not_valid_after_utc:%Y-%m-%d}",
        certificate_sha256=ledger.fingerprint,
        key_file_sha256=sha256((folder / KEY).read_bytes()).hexdigest(),
        shares=f"any {needed} of {shares}; every share begins: {' '.join(lines[0].split()[:2])}",
    )
    _list_of(root, now, LIST_LIFETIME)
    return lines


def open_root(folder: Path, lines: Sequence[str]) -> Root:
    """The root with its key, from enough shares. KeystoreError or CertificateError that says what does not fit."""
    ledger = read_ledger(folder)
    try:
        certificate = x509.load_pem_x509_certificate((folder / f"{ledger.authority}.crt").read_bytes())
        encrypted = (folder / KEY).read_bytes()
    except (OSError, ValueError) as error:
        raise CertificateError(f"the root's certificate or key cannot be read from {folder}") from error
    if fingerprint(certificate) != ledger.fingerprint:
        raise CertificateError("the root's certificate is not the one that the ledger names")
    try:
        private_key = load_pem_private_key(encrypted, passphrase_of(combine(lines)))
    except ValueError as error:
        raise KeystoreError("these shares do not open this root's key: they are of another ceremony") from error
    if not isinstance(private_key, ec.EllipticCurvePrivateKey):
        raise KeystoreError("the root's key file holds a key of another kind")
    signer = SoftwareSigner(private_key, ALGORITHM)
    if signer.public_key != certificate.public_key():
        raise KeystoreError("the root's key file holds another key than its certificate names")
    return Root(folder, ledger, certificate, signer)


def sign_issuing(root: Root, request: bytes, *, practice: Practice, now: datetime) -> x509.Certificate:
    """Certifies an issuing key, from a request that proves its possession; the certificate is written to the folder."""
    asked, ledger = verified_request(request), read_ledger(root.folder)
    if asked.public_key == root.signer.public_key:
        raise CertificateError("the request is for the root's own key")
    if any(each["kid"] == asked.kid for each in ledger.issued):
        raise CertificateError("this key was certified before: the ledger names it. A new generation has a new key")
    certificate = signed_certificate(
        practice.profiles["issuing"],
        names=asked.proposed,
        public_key=asked.public_key,
        signer=root.signer,
        issuer=root.certificate,
        pointers=pointers_below(ledger.base, ledger.authority),
        now=now,
    )
    serial = as_text(certificate.serial_number)
    entry = {"serial": serial, "kid": asked.kid, "fingerprint": fingerprint(certificate), "at": stamp(now)}
    write_ledger(root.folder, replace(ledger, issued=[*ledger.issued, entry]))
    write_whole(root.folder / f"issuing-{serial}.crt", certificate.public_bytes(Encoding.PEM))
    note(
        root.folder,
        now,
        f"The root {ledger.authority} certified an issuing authority.",
        subject=subject_of(certificate).human_friendly,
        **({"other_name": asked.proposed.other.human_friendly} if asked.proposed.other is not None else {}),
        serial_number=serial,
        ends=f"{certificate.not_valid_after_utc:%Y-%m-%d}",
        certificate_sha256=entry["fingerprint"],
        request_sha256=sha256(asked.encoded).hexdigest(),
    )
    return certificate


def sign_list(
    root: Root,
    *,
    now: datetime,
    lifetime: timedelta = LIST_LIFETIME,
    revoke: Sequence[tuple[int, RevocationReason]] = (),
) -> bytes:
    """A new list (DER), written to the folder; with `revoke`, of certificates in the ledger that are on none yet."""
    ledger = read_ledger(root.folder)
    known = {each["serial"] for each in ledger.issued} - {each["serial"] for each in ledger.revoked}
    entries = list(ledger.revoked)
    for serial, reason in revoke:
        if as_text(serial) not in known:
            raise CertificateError(f"the ledger has no certificate {as_text(serial)} that is not revoked yet")
        entries.append({"serial": as_text(serial), "reason": str(reason), "at": stamp(now)})
    return _list_of(replace(root, ledger=replace(ledger, revoked=entries)), now, lifetime)


def _list_of(root: Root, now: datetime, lifetime: timedelta) -> bytes:
    """The number is the moment, as the provider's own lists have it: greater than any before, ledger lost or not."""
    number = max((now - EPOCH) // timedelta(microseconds=1), root.ledger.list_number + 1)
    revoked = [
        RevokedStatus(int(each["serial"], 16), datetime.fromisoformat(each["at"]), RevocationReason(each["reason"]))
        for each in root.ledger.revoked
    ]
    encoded = signed_list(root.certificate, root.signer, number=number, now=now, revoked=revoked, lifetime=lifetime)
    write_ledger(root.folder, replace(root.ledger, list_number=number))
    write_whole(root.folder / f"{root.ledger.authority}.crl", pem_of(encoded, "X509 CRL"))
    note(
        root.folder,
        now,
        f"The root {root.ledger.authority} signed its revocation list.",
        number=str(number),
        revoked=str(len(revoked)),
        next_update=stamp(now + lifetime),
        list_sha256=sha256(encoded).hexdigest(),
    )
    return encoded


def note_check(root: Root, *, now: datetime) -> None:
    """The key was open, if only for a moment: that stands in the minutes as well."""
    note(root.folder, now, f"The root {root.ledger.authority} was opened to check its shares, and signed nothing.")


def read_ledger(folder: Path) -> Ledger:
    try:
        written: dict[str, Any] = json.loads((folder / LEDGER).read_text("utf-8"))
        return Ledger(**written)
    except (OSError, ValueError, TypeError) as error:
        raise CertificateError(f"{folder} holds no ceremony that can be read") from error


def write_ledger(folder: Path, ledger: Ledger) -> None:
    write_whole(folder / LEDGER, json.dumps(asdict(ledger), indent=1).encode() + b"\n")


def note(folder: Path, now: datetime, what: str, **facts: str) -> None:
    """Adds an act to the minutes, with lines for those who were there to sign."""
    lines = [f"{stamp(now)}  {what}", *(f"    {name.replace('_', ' ')}: {value}" for name, value in facts.items())]
    lines += ["    present, in their own hand:", *["    ______________________________"] * 2, "", ""]
    path = folder / MINUTES
    before = path.read_bytes() if path.exists() else b""
    write_whole(path, before + "\n".join(lines).encode())


def stamp(moment: datetime) -> str:
    return moment.replace(microsecond=0).isoformat()


def passphrase_of(secret: bytes) -> bytes:
    """What `openssl pkey -passin` takes, too."""
    return urlsafe_b64encode(secret).rstrip(b"=")


def fingerprint(certificate: x509.Certificate) -> str:
    return sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
