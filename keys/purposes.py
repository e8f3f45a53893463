"""What each key is for, and the rules that follow: one table. A key is never used for a second purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from keys.algorithms import AlgorithmName
from keys.decryption import KeyManagementName
from keys.secret import SecretName

PUBLICATION = timedelta(hours=1)  # a successor stands in the JWKS this long before it signs: as long as caches keep it
OVERLAP = timedelta(hours=24)  # a retired key stays there this long: tokens, clocks and caches run out
QUARTER = timedelta(days=90)
ELEVEN_MONTHS = timedelta(days=330)


class Purpose(StrEnum):
    ID_TOKEN = "id-token"  # noqa: S105
    ACCESS_TOKEN = "access-token"  # noqa: S105
    USERINFO = "userinfo"
    LOGOUT = "logout"
    AUTHORIZATION_RESPONSE = "authorization-response"
    INTROSPECTION = "introspection"
    METADATA = "metadata"
    REQUEST_OBJECT = "request-object"
    CONSENT_RECEIPT = "consent-receipt"
    AUDIT = "audit"
    CLIENT_ASSERTION = "client-assertion"
    ROOT_CA = "root-ca"
    CA = "ca"
    TSA = "tsa"
    OCSP = "ocsp"
    OFFICER = "officer"
    SEAL = "seal"
    SANDBOX_AUTHENTICATOR = "sandbox-authenticator"
    ENVELOPE = "envelope"
    BLIND_INDEX = "blind-index"
    PAIRWISE = "pairwise"
    CODE = "code"
    DPOP_NONCE = "dpop-nonce"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """`algorithm` is the default for new keys. `many`: a key for each holder.

    `also`: other algorithms of which the purpose has a key each, made soon after the first start (`make_ahead`) or when
    first asked for; where `ahead`, at the first start itself. `decrypts`: what others encrypt to us.

    `publication` and `overlap` of None: the public key is in no JWKS. `verifies_for_ever`: it never leaves it.
    `cryptoperiod` (SP 800-57 part 1 section 5.3): a successor is announced when the key is older.
    `becomes`: which algorithms its one key may be followed by. `fixed`: why it cannot be rotated.
    `two_people`: to end a key of it cannot be undone (`keys/two_person.py`).
    """

    algorithm: AlgorithmName | KeyManagementName | SecretName
    also: tuple[AlgorithmName | KeyManagementName, ...] = ()
    ahead: bool = False
    decrypts: bool = False
    many: bool = False
    published: bool = False
    publication: timedelta = timedelta()
    overlap: timedelta = OVERLAP
    verifies_for_ever: bool = False
    cryptoperiod: timedelta | None = None
    becomes: tuple[AlgorithmName, ...] = ()
    fixed: str = ""
    two_people: bool = False

    @property
    def at_the_start(self) -> tuple[AlgorithmName | KeyManagementName | SecretName, ...]:
        """Of which algorithms the first start makes a key."""
        return (self.algorithm, *self.also) if self.ahead else (self.algorithm,)


TOKENS = Rules(
    algorithm=AlgorithmName.ES256,
    published=True,
    publication=PUBLICATION,
    cryptoperiod=QUARTER,
    becomes=(AlgorithmName.ES256, AlgorithmName.PS256, AlgorithmName.EDDSA),  # FAPI 2.0 SP section 5.4.1
)
# What a client may want otherwise: PS256 and EdDSA for the FAPI profiles, RS256 because OpenID Connect Core says so.
OTHERS = (AlgorithmName.PS256, AlgorithmName.EDDSA, AlgorithmName.RS256)
FOR_CLIENTS = replace(TOKENS, also=OTHERS)
RECORDS = Rules(
    algorithm=AlgorithmName.ES256,
    published=True,
    publication=PUBLICATION,
    verifies_for_ever=True,
    cryptoperiod=ELEVEN_MONTHS,
    becomes=(AlgorithmName.ES256, AlgorithmName.PS256, AlgorithmName.EDDSA, AlgorithmName.ML_DSA_65),
)
HOLDERS = Rules(algorithm=AlgorithmName.ES256, many=True, fixed="each holder gets a new key with a new certificate")
CA_FIXED = "an authority's key changes with its certificate: a new generation beside the old one"

# The root is P-384: it lives twenty years, is every validator's anchor, and signs a handful of things. All below it is
# P-256: signatures there are made and verified all day, and OpenSSL's P-384 is ten times slower at that, or more.
RULES: Mapping[Purpose, Rules] = {
    Purpose.ID_TOKEN: replace(FOR_CLIENTS, ahead=True),
    Purpose.ACCESS_TOKEN: TOKENS,
    Purpose.USERINFO: FOR_CLIENTS,
    Purpose.LOGOUT: FOR_CLIENTS,
    Purpose.AUTHORIZATION_RESPONSE: FOR_CLIENTS,
    Purpose.INTROSPECTION: FOR_CLIENTS,
    Purpose.METADATA: TOKENS,
    Purpose.REQUEST_OBJECT: replace(
        TOKENS,
        algorithm=KeyManagementName.ECDH_ES,
        also=(KeyManagementName.RSA_OAEP_256,),
        ahead=True,
        decrypts=True,
        becomes=(),
        publication=timedelta(),  # nobody waits for it: what was encrypted to the predecessor opens for the overlap
    ),
    Purpose.CLIENT_ASSERTION: TOKENS,
    Purpose.CONSENT_RECEIPT: RECORDS,
    Purpose.AUDIT: RECORDS,
    Purpose.ROOT_CA: Rules(algorithm=AlgorithmName.ES384, many=True, fixed=CA_FIXED, two_people=True),
    Purpose.CA: Rules(algorithm=AlgorithmName.ES256, many=True, fixed=CA_FIXED, two_people=True),
    Purpose.TSA: Rules(algorithm=AlgorithmName.ES256, cryptoperiod=ELEVEN_MONTHS),
    Purpose.OCSP: Rules(algorithm=AlgorithmName.ES256, cryptoperiod=ELEVEN_MONTHS),
    Purpose.OFFICER: HOLDERS,
    Purpose.SEAL: HOLDERS,
    Purpose.SANDBOX_AUTHENTICATOR: HOLDERS,
    # It wraps data keys: every worker knows it a minute before it does; it is followed each year (section 5.3.6).
    Purpose.ENVELOPE: Rules(algorithm=SecretName.A256GCM, publication=timedelta(minutes=1), cryptoperiod=ELEVEN_MONTHS),
    Purpose.CODE: Rules(algorithm=SecretName.A256GCM),
    Purpose.DPOP_NONCE: Rules(algorithm=SecretName.HS256),
    Purpose.BLIND_INDEX: Rules(
        algorithm=SecretName.HS256, fixed="every look-up made with it would find nothing", two_people=True
    ),
    Purpose.PAIRWISE: Rules(
        algorithm=SecretName.HS256, fixed="every citizen would be a stranger to every agency", two_people=True
    ),
}
