"""The rows of this room: keys and their states, certificates and their revocation, CRLs, time-stamps.

Private keys are not here; `kid` leads to them in custody. Certificate and time-stamp serial numbers are 159 random bits
in 40 hexadecimal digits: the primary key is what makes a second issue of one impossible, over restarts and restores.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, ForeignKey, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime


class Key(Base):
    """`kid`: RFC 7638 thumbprint, or a random id for a secret, whose `public_key` (SPKI DER) is empty.

    `slot` holds a purpose's one place to be active, or its one successor's, by uniqueness; empty for all other keys.
    `activates_at` is set for a successor that is published before its use; `deactivated_at` once it is no longer used.
    `published_until` is when a deactivated key leaves the JWKS; empty while in use, and for ever where receipts must
    verify after years. `compromised_at` is empty unless it came into other hands, and stays when it is destroyed
    (SP 800-57 part 1 section 7.6). `destroyed_at` is when custody had removed it: in the state `destroyed`, but empty,
    it is still to be removed.
    """

    __tablename__ = "key"

    kid: Mapped[str] = mapped_column(String(43), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(24), index=True)
    algorithm: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    slot: Mapped[str | None] = mapped_column(String(48), unique=True)
    label: Mapped[str] = mapped_column(String(200))
    public_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    activates_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    deactivated_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    published_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    compromised_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    destroyed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Certificate(Base):
    """`kid` is the thumbprint of the certified public key; `issuer_serial` is empty for a root.

    `slot` names a certificate of which there is one (`issuing-g1`, a responder's n-th); empty for all other keys. `kid`
    and `der` are empty for one that a restored backup does not know, but a list says is revoked (profile `lost`).
    """

    __tablename__ = "certificate"

    serial: Mapped[str] = mapped_column(String(40), primary_key=True)
    issuer_serial: Mapped[str | None] = mapped_column(ForeignKey("certificate.serial"), index=True)
    profile: Mapped[str] = mapped_column(String(24))
    slot: Mapped[str | None] = mapped_column(String(80), unique=True)
    kid: Mapped[str] = mapped_column(String(43), index=True)
    not_before: Mapped[datetime] = mapped_column(UTCDateTime)
    not_after: Mapped[datetime] = mapped_column(UTCDateTime)
    der: Mapped[bytes] = mapped_column(LargeBinary)


class CertifiedKey(Base):
    """A public key of others that was certified here on request, and for whom: nobody else is certified for it.

    `kid` is its thumbprint, `holder` a hash of the certificate's names.
    """

    __tablename__ = "certified_key"

    kid: Mapped[str] = mapped_column(String(43), primary_key=True)
    holder: Mapped[bytes] = mapped_column(LargeBinary(32))
    certified_at: Mapped[datetime] = mapped_column(UTCDateTime)


class ExternalCertificate(Base):
    """What another authority certified for a key of ours: `chain` is PEM, from the certificate to its root."""

    __tablename__ = "external_certificate"

    fingerprint: Mapped[str] = mapped_column(String(64), primary_key=True)
    kid: Mapped[str] = mapped_column(String(43), index=True)
    purpose: Mapped[str] = mapped_column(String(24))
    chain: Mapped[bytes] = mapped_column(LargeBinary)
    not_after: Mapped[datetime] = mapped_column(UTCDateTime)
    imported_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Revocation(Base):
    """A certificate ended before its time, once and for good: there is no certificateHold here."""

    __tablename__ = "revocation"

    serial: Mapped[str] = mapped_column(ForeignKey("certificate.serial"), primary_key=True)
    issuer_serial: Mapped[str] = mapped_column(ForeignKey("certificate.serial"), index=True)
    reason: Mapped[str] = mapped_column(String(24))
    revoked_at: Mapped[datetime] = mapped_column(UTCDateTime)


class RevocationList(Base):
    """A CRL as published. `number` is the moment of its making in microseconds, or the last one's and one more."""

    __tablename__ = "revocation_list"

    issuer_serial: Mapped[str] = mapped_column(ForeignKey("certificate.serial"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    this_update: Mapped[datetime] = mapped_column(UTCDateTime)
    next_update: Mapped[datetime] = mapped_column(UTCDateTime)
    revoked: Mapped[int] = mapped_column(Integer)  # how many entries it has
    der: Mapped[bytes] = mapped_column(LargeBinary)


class OcspAnswer(Base):
    """The signed answer about one certificate that every worker gives to whoever asks without a nonce (RFC 6960).

    `form` is how the question names the issuer, which an answer repeats (keys/ocsp_answers.py); `kid` the key that
    signed, `is_revoked` what the answer says.
    """

    __tablename__ = "ocsp_answer"

    serial: Mapped[str] = mapped_column(ForeignKey("certificate.serial"), primary_key=True)
    form: Mapped[str] = mapped_column(String(16), primary_key=True)
    kid: Mapped[str] = mapped_column(String(43))
    is_revoked: Mapped[bool] = mapped_column(Boolean)
    this_update: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    der: Mapped[bytes] = mapped_column(LargeBinary)


class TimeStamp(Base):
    """What the authority has stamped: an imprint and when, never a document and never for whom."""

    __tablename__ = "time_stamp"

    serial: Mapped[str] = mapped_column(String(40), primary_key=True)
    kid: Mapped[str] = mapped_column(String(43))
    imprint: Mapped[bytes] = mapped_column(LargeBinary)
    stamped_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
