"""The registered types of RFC 9396 section 9.1, one a file: `idp/oauth2/rar.py` has their table."""
