"""Certificates for keys that are not ours: from a request whose maker proves to have the key. RFC 2986, RFC 4211.

Before anything is issued, in this order:

 1. the request is signed with the key that it names, and the key is none that nobody should have
 2. it is no key of ours, of whatever purpose: what a request of ours says is for others to sign
 3. no certificate of it was revoked because the key may be in others' hands
 4. nobody else was certified for it: one conditional write decides, of two requests at once too

2 to 4 are in the transaction that issues: what fails there was never issued, and leaves no trace of itself.
Whom the certificate names is said by who issues it, never by the request.
"""

from __future__ import annotations

from hashlib import sha256

from cryptography import x509
from sqlalchemy import Connection, select

from keys.certificate import CertificateAuthority
from keys.certificate_request import verified_request
from keys.certificate_rows import claim_key, was_compromised
from keys.errors import CertificateError
from keys.models import Key
from keys.profiles import ProfileName
from keys.subject import Subject, names_of

REQUESTABLE: tuple[ProfileName, ...] = ("officer", "citizen", "short-lived", "seal", "agency-tls")


def issue_from_request(
    authority: CertificateAuthority,
    profile: ProfileName,
    request: bytes,
    subject: Subject,
    *,
    actor: str,
) -> x509.Certificate:
    """Raises CertificateError that says what does not hold. May write: never call it within a transaction."""
    if profile not in REQUESTABLE:
        raise CertificateError(f"{profile} is not issued on request: its key is made here")
    asked = verified_request(request)  # 1
    names = names_of(subject, authority.practice.layout)
    holder = names.subject.dump() + (names.other.dump() if names.other is not None else b"")
    row = {"kid": asked.kid, "holder": sha256(holder).digest(), "certified_at": authority.ground.clock.now()}

    def check_key_is_free(connection: Connection) -> None:
        if connection.execute(select(Key.kid).where(Key.kid == asked.kid)).first() is not None:  # 2
            raise CertificateError("this is a key of ours: it is certified where it is used")
        if was_compromised(connection, asked.kid):  # 3
            raise CertificateError("this key was reported as compromised: make another")
        if not claim_key(connection, row):  # 4
            raise CertificateError("somebody else was certified for this key: make another")

    return authority.issue(profile, asked.public_key, subject, check=check_key_is_free, actor=actor)
