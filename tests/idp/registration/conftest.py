from __future__ import annotations

from tests.idp.fixtures import agency, browser, provider, refusing

__all__ = ["agency", "browser", "provider", "refusing"]
