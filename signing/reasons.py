"""Why a signature or a time-stamp was judged as it was: every sentence that a validation report can give.

Each is a gettext msgid; its Thai stands in `signing/translations`. In the JSON they are in English, as they stand here.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    # the shape in the file
    UNREADABLE = "The signature cannot be read."
    UNSUPPORTED_KIND = "This kind of signature is not supported."
    RANGE_NOT_FOUR_NUMBERS = "What the signature covers is not said in four numbers."
    RANGE_OUTSIDE_FILE = "What the signature says it covers does not fit this file."
    RANGE_LEAVES_OUT_MORE = "The signature leaves out more of the file than its own value."
    RANGE_LEAVES_OUT_OTHER = "The bytes that the signature leaves out are not its own value."
    VALUE_NOT_HEXADECIMAL = "The signature's value is not written in hexadecimal."
    VALUE_CUT_OFF = "The signature's value is cut off."
    VALUE_FOLLOWED = "Something that no signature protects is hidden behind the signature's value."
    # the cryptography
    CONTENT_CHANGED = "The document was changed after it was signed."
    VALUE_WRONG = "The signature's value does not fit the signer's certificate."
    NOT_WELL_FORMED = "The signature is not built as the standard requires."
    TOO_WEAK = "The signature's algorithm or key is too weak."
    NO_SIGNING_CERTIFICATE = "The certificate of the signer is missing, or another one than was signed with."
    # time-stamps
    TIME_STAMP_UNREADABLE = "The time-stamp cannot be read."
    TIME_STAMP_OTHER_BYTES = "The time-stamp belongs to other bytes than these."
    TIME_STAMP_ORDER = "The time-stamp is later than the one that should prove it."
    TIME_STAMP_EXPIRED = "The certificate of the time-stamp authority has expired since."
    # certificates
    NO_CHAIN = "No chain leads from the certificate to an authority that is trusted here."
    OTHER_USE = "The certificate was not issued for this use."
    CHAIN_BROKEN = "A certificate of the chain does not hold."
    CHAIN_TOO_WEAK = "An algorithm or key of the certificate chain is too weak."
    OUT_OF_VALIDITY = "A certificate was past its validity, and nothing proves that it was used before."
    NOT_YET_VALID = "The certificate was not valid yet when it was used."
    REVOKED = "The certificate was revoked, and nothing proves that it was used before."
    AUTHORITY_REVOKED = "A certificate authority of the chain was revoked."
    STATUS_UNKNOWN = "Nothing shows whether the certificate had been revoked."
    # what was added after
    NO_PROPER_UPDATE = "After the signature stands something that is no proper update of the document."
    BYTES_BEHIND_THE_END = "Bytes stand behind the last update of the document."
    UPDATE_NOT_ANALYSED = "What was added after the signature cannot be analysed."
    UPDATE_CHANGES_DOCUMENT = "What was added after the signature may alter what the document says."
    UPDATE_NOT_PERMITTED = "The document was changed although its signer had closed it."
    CHANGED_AFTER_TIME_STAMP = "The document was changed after a time-stamp over all of it."
    # the whole file
    VALIDATION_STOPPED = "The file took too much time or memory to validate, so it was stopped."
    VALIDATION_FAILED = "The file could not be validated. The reference helps us to find out why."
