"""Flask's test client as a browser at the issuer's address: forms get their CSRF token by themselves."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from core.web.csrf import csrf_token

ISSUER = "http://localhost:8080"
SECRET = "the browser's own secret"


class BrowserClient(FlaskClient):
    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        kwargs.setdefault("base_url", ISSUER)
        return super().open(*args, **kwargs)

    def submit(self, path: str, data: dict[str, Any] | None = None, **kwargs: Any) -> TestResponse:
        """Posts a form as our own page would."""
        self.set_cookie("prajak-csrf", SECRET, domain="localhost")
        return self.post(path, data={**(data or {}), "csrf_token": csrf_token(SECRET)}, **kwargs)
