"""What a key pair is on a token: how it is made there, never to leave, and how its public half is read.

Made with CKA_SENSITIVE, CKA_PRIVATE and not CKA_EXTRACTABLE, and looked at afterwards: a token that gives a key away
must not hold one of ours. The `kid` is a thumbprint, known after the key is made, so a key has a passing name first;
one whose maker died in between keeps it, labelled `prajak: unfinished`, and may be deleted.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from asn1crypto.core import OctetString
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag
from pkcs11.util.ec import encode_named_curve_parameters

from keys.algorithms import NEW_RSA_BITS, AlgorithmName, PublicKey
from keys.decryption import KeyManagementName
from keys.errors import KeystoreError
from keys.pkcs11_session import TokenSession

UNFINISHED = "prajak: unfinished"
STAYS = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}
SIGNS = MechanismFlag.SIGN | MechanismFlag.VERIFY
UNWRAPS = MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT


@dataclass(frozen=True)
class PairKind:
    """`curve` names an elliptic curve's parameters; `read` is what makes a public key of its object."""

    key_type: KeyType
    makes: Mechanism
    does: MechanismFlag
    read: Callable[[Any], PublicKey]
    curve: str = ""


def point(found: Any) -> bytes:
    """CKA_EC_POINT: in a DER OCTET STRING (v2.40), by some tokens without."""
    value = bytes(found[Attribute.EC_POINT])
    wrapped = len(value) > 2 and value[0] == OctetString.tag and value[1] == len(value) - 2  # noqa: PLR2004
    return value[2:] if wrapped else value


def read_ec(curve: ec.EllipticCurve) -> Callable[[Any], PublicKey]:
    return lambda found: ec.EllipticCurvePublicKey.from_encoded_point(curve, point(found))


def read_rsa(found: Any) -> PublicKey:
    e, n = (int.from_bytes(found[each], "big") for each in (Attribute.PUBLIC_EXPONENT, Attribute.MODULUS))
    return rsa.RSAPublicNumbers(e, n).public_key()


def read_ed25519(found: Any) -> PublicKey:
    return ed25519.Ed25519PublicKey.from_public_bytes(point(found))


P_256, P_384 = read_ec(ec.SECP256R1()), read_ec(ec.SECP384R1())
EC, RSA = Mechanism.EC_KEY_PAIR_GEN, Mechanism.RSA_PKCS_KEY_PAIR_GEN
PAIRS: Mapping[str, PairKind] = {
    AlgorithmName.ES256: PairKind(KeyType.EC, EC, SIGNS, P_256, "secp256r1"),
    AlgorithmName.ES384: PairKind(KeyType.EC, EC, SIGNS, P_384, "secp384r1"),
    AlgorithmName.PS256: PairKind(KeyType.RSA, RSA, SIGNS, read_rsa),
    AlgorithmName.RS256: PairKind(KeyType.RSA, RSA, SIGNS, read_rsa),
    AlgorithmName.EDDSA: PairKind(
        KeyType.EC_EDWARDS, Mechanism.EC_EDWARDS_KEY_PAIR_GEN, SIGNS, read_ed25519, "1.3.101.112"
    ),
    KeyManagementName.ECDH_ES: PairKind(KeyType.EC, EC, MechanismFlag.DERIVE, P_256, "secp256r1"),
    KeyManagementName.RSA_OAEP_256: PairKind(KeyType.RSA, RSA, UNWRAPS, read_rsa),
}


def make_pair(session: TokenSession, kind: PairKind) -> tuple[Any, Any]:
    """Public and private object, durable on the token under a passing name."""
    told = {
        "id": secrets.token_bytes(16),
        "label": UNFINISHED,
        "store": True,
        "capabilities": kind.does,
        "mechanism": kind.makes,
        "private_template": STAYS,
    }
    if not kind.curve:
        made = session.session.generate_keypair(kind.key_type, NEW_RSA_BITS, **told)
    else:
        parameters = {Attribute.EC_PARAMS: encode_named_curve_parameters(kind.curve)}
        domain = session.session.create_domain_parameters(kind.key_type, parameters, local=True)
        made = domain.generate_keypair(**told)
    public, private = made
    return public, private


def give_name(found: Any, kid: str, algorithm: str) -> None:
    """CKA_ID is the kid; the label is for those who look with other tools."""
    found[Attribute.ID] = kid.encode()
    found[Attribute.LABEL] = f"prajak {algorithm} {kid}"


def read_public_key(found: Any, algorithm: str) -> PublicKey:
    try:
        return PAIRS[algorithm].read(found)
    except ValueError as error:
        raise KeystoreError(f"the key on the token is not one for {algorithm}") from error


def check_stays(found: Any) -> None:
    """Raises KeystoreError for a key that can leave its token."""
    if not found[Attribute.SENSITIVE] or found[Attribute.EXTRACTABLE]:
        raise KeystoreError("the token lets this key be taken out: it must be sensitive and not extractable")
