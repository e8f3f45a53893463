"""The identity provider: OAuth 2.0 and OpenID Connect, the pages people meet, the agencies' console."""
