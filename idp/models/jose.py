"""The JOSE algorithms that a client may register, by what they are for (RFC 7518, RFC 8037, RFC 9864). What is not
listed is refused: no `none`, no shared secrets, nothing that leans on SHA-1 (RSA-OAEP, RSA1_5).
"""

from __future__ import annotations

SIGNING_ALGORITHMS = ("ES256", "PS256", "EdDSA", "RS256")  # what we sign for a client
VERIFYING_ALGORITHMS = ("ES256", "PS256", "EdDSA", "Ed25519", "RS256")  # what a client signs for us
ENCRYPTION_ALGORITHMS = ("ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW", "RSA-OAEP-256")  # `alg` of a JWE
ENCRYPTION_METHODS = ("A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512")  # `enc` of a JWE
DEFAULT_ENCRYPTION_METHOD = "A128CBC-HS256"  # OpenID Connect Registration section 2, where an `alg` stands alone
KEY_OF_ENCRYPTION = {  # key type and curve
    "ECDH-ES": ("EC", "P-256"),
    "ECDH-ES+A128KW": ("EC", "P-256"),
    "ECDH-ES+A256KW": ("EC", "P-256"),
    "RSA-OAEP-256": ("RSA", ""),
}
# Each is the beginning of `_signed_response_alg`, `_encrypted_response_alg` and `_encrypted_response_enc`.
RESPONSES = ("id_token", "userinfo", "authorization", "introspection")
