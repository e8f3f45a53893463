"""OpenID Connect: the authentication request, claims, ID token, userinfo, discovery and logout."""
