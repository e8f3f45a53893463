"""Cookies: host-only, HttpOnly, SameSite=Lax, Secure and `__Host-` save on the sandbox's loopback."""

from __future__ import annotations

from flask import Response, request

from core.web.installed import current_web


def cookie_name(name: str) -> str:
    """`__Host-` wherever cookies are Secure (RFC 6265bis section 4.1.3.2)."""
    return name if current_web().ground.settings.insecure_loopback else f"__Host-{name}"


def set_cookie(response: Response, name: str, value: str, *, max_age: int | None = None) -> None:
    """Host-only, HttpOnly, SameSite=Lax, Secure save on the sandbox's loopback."""
    secure = not current_web().ground.settings.insecure_loopback
    response.set_cookie(
        cookie_name(name), value, max_age=max_age, path="/", secure=secure, httponly=True, samesite="Lax"
    )


def get_cookie(name: str) -> str | None:
    return request.cookies.get(cookie_name(name))


def delete_cookie(response: Response, name: str) -> None:
    secure = not current_web().ground.settings.insecure_loopback
    response.delete_cookie(cookie_name(name), path="/", secure=secure, httponly=True, samesite="Lax")
