"""What a token's return values mean to us: gone and worth another try, or a refusal (PKCS #11 v3.0 section 5.1).

Vendors differ in what they answer when the token, its process or the network is away, so the first list is wide; what
stands in neither list is taken for a loss too.
"""

from __future__ import annotations

from typing import TypeAlias

import pkcs11
from pkcs11.exceptions import PKCS11Error

Errors: TypeAlias = tuple[type[PKCS11Error], ...]


class SightLost(PKCS11Error):
    """The token answers, but what we put on it is not to be seen: it went and came back, or another is there."""


REFUSALS: Errors = (  # the call was wrong, and will be wrong again
    pkcs11.ArgumentsBad,
    pkcs11.AttributeReadOnly,
    pkcs11.AttributeSensitive,
    pkcs11.AttributeTypeInvalid,
    pkcs11.AttributeValueInvalid,
    pkcs11.DataInvalid,
    pkcs11.DataLenRange,
    pkcs11.DomainParamsInvalid,
    pkcs11.EncryptedDataInvalid,
    pkcs11.EncryptedDataLenRange,
    pkcs11.FunctionNotSupported,
    pkcs11.FunctionRejected,
    pkcs11.KeySizeRange,
    pkcs11.KeyTypeInconsistent,
    pkcs11.KeyUnextractable,
    pkcs11.MechanismInvalid,
    pkcs11.MechanismParamInvalid,
    pkcs11.MultipleTokensReturned,
    pkcs11.PublicKeyInvalid,
    pkcs11.TemplateIncomplete,
    pkcs11.TemplateInconsistent,
    pkcs11.TokenWriteProtected,
)
PIN_REFUSED: Errors = (
    pkcs11.PinExpired,
    pkcs11.PinIncorrect,
    pkcs11.PinInvalid,
    pkcs11.PinLenRange,
    pkcs11.PinLocked,
    pkcs11.UserPinNotInitialized,
)
# SoftHSM says GeneralError of a wrong tag (AES-GCM), others one of these: none says that the token is away.
NOT_OPENED: Errors = (
    pkcs11.EncryptedDataInvalid,
    pkcs11.EncryptedDataLenRange,
    pkcs11.DataInvalid,
    pkcs11.DataLenRange,
    pkcs11.ArgumentsBad,
    pkcs11.FunctionFailed,
    pkcs11.GeneralError,
)


def is_refusal(error: PKCS11Error) -> bool:
    return isinstance(error, (*REFUSALS, *PIN_REFUSED))


def named(error: Exception) -> str:
    """`SessionHandleInvalid`, or the text of what the library does not map and of our own."""
    return str(error) or type(error).__name__
