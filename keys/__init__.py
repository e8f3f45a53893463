"""Custody of keys and the trust services that use them: CA, OCSP, CRL, RFC 3161 time-stamps, JWS, envelopes.

Private-key operations happen in this room and nowhere else. Other rooms ask a `Keystore` for a `Signer` by purpose.
"""
