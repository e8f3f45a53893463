"""Signing and validation: PAdES by officers and seals, and the public verifier. A stranger to enrollment and idp."""
