"""A signing desk over a real keystore and certificate authority, with a provider double behind its protocol."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from flask import Flask
from jinja2 import FileSystemLoader
from joserfc.jwk import KeySet

from core import i18n, web
from core.clock import SetClock
from core.ground import Ground
from keys.purposes import Purpose
from keys.trust_services import TrustServices
from signing import views
from signing.credentials import Credential, OfficerIdentity, PinnedPasskey
from signing.services import SigningServices, open_services
from signing.tokens import Issuer
from tests.browser_client import BrowserClient
from tests.signing.provider_double import ISSUER, ProviderDouble
from tests.signing.workshop import workshop

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def trust_services(ground: Ground) -> TrustServices:
    made = TrustServices(ground)
    made.prepare()
    return made


@pytest.fixture
def double(clock: SetClock) -> ProviderDouble:
    """The provider, as honest as a test leaves it."""
    return ProviderDouble(clock)


@pytest.fixture
def issuer(double: ProviderDouble, clock: SetClock) -> Issuer:
    """The double as the issuer whose tokens are believed, without a network between."""
    return Issuer(ISSUER, lambda _kid: KeySet([double.key]), clock, timedelta(seconds=30))


@pytest.fixture
def services(ground: Ground, trust_services: TrustServices, double: ProviderDouble) -> Any:
    double.client_keys = lambda: trust_services.keystore.published([Purpose.CLIENT_ASSERTION])
    made = open_services(ground, trust_services, httpx.WSGITransport(double))
    yield made
    made.provider.close()


def identity(sub: str) -> OfficerIdentity:
    return OfficerIdentity(
        sub=sub,
        name_th="อนันต์ ทดสอบ",
        name_en="Anan Test",
        given_name_th="อนันต์",
        given_name_en="Anan",
        family_name_th="ทดสอบ",
        family_name_en="Test",
        position_th="ผู้อำนวยการกองทดสอบ",
        position_en="Director of Testing",
        agency_th="กรมตัวอย่าง",
        agency_en="Department of Examples",
    )


def passkey_of(authenticator: Any) -> PinnedPasskey:
    return PinnedPasskey(
        credential_id=authenticator.credential_id,
        public_key=authenticator._cose_key(),
        aaguid="5d0a6b1c-f10e-4d0f-8f3a-9d3a8c3b1a77",
        name="กุญแจสำนักงาน",
    )


@pytest.fixture
def credential(services: SigningServices, double: ProviderDouble) -> Credential:
    return services.credentials.issue(identity(double.sub), passkey_of(double.authenticator))


@pytest.fixture
def desk_app(services: SigningServices) -> Flask:
    app = Flask("desk", static_folder=None, template_folder=None)
    app.jinja_loader = FileSystemLoader(ROOT / "core" / "templates")
    app.test_client_class = BrowserClient
    i18n.install(app, [ROOT / "core", ROOT / "signing", ROOT / "enrollment", ROOT / "idp" / "portal"])
    web.install(app, web.Web(services.ground, views.guards()))
    app.register_blueprint(views.blueprint(services))
    web.check_callers(app)
    return app


@dataclass
class OfficerAtDesk:
    """An officer with a browser."""

    browser: BrowserClient
    double: ProviderDouble

    def signs_in(self) -> Any:
        """From the desk's first page to the provider and back."""
        away = self.browser.submit("/sign/sign-in")
        return self.browser.get(self.returns(away))

    def returns(self, away: Any) -> str:
        """The address to which the provider sends the browser back; the officer said yes."""
        assert away.status_code == 303, away.text
        query = parse_qs(urlsplit(away.location).query)
        assert query["client_id"] == ["prajak-signing"]
        return self.double.authorize(query["request_uri"][0])

    def uploads(self, pdf: bytes, name: str = "หนังสือ.pdf") -> Any:
        return self.browser.submit("/sign/documents", {"file": (BytesIO(pdf), name)})

    def document(self, pdf: bytes) -> str:
        """Uploads and answers the document's page."""
        return self.document_named(pdf, "หนังสือ.pdf")

    def document_named(self, pdf: bytes, name: str) -> str:
        response = self.uploads(pdf, name)
        assert response.status_code == 303, response.text
        return str(response.location)

    def downloads(self, path: str) -> bytes:
        with self.browser.get(path) as response:
            assert response.status_code == 200
            return bytes(response.data)

    def verifies(self, pdf: bytes) -> Any:
        return self.browser.post("/api/verify", data={"file": (BytesIO(pdf), "signed.pdf")})

    def asks(self, page: str, /, **form: str) -> Any:
        return self.browser.submit(f"{page}/sign", {"page": "1", "place": "bottom-right", **form})

    def signs(self, page: str, /, **form: str) -> Any:
        """Places the signature, confirms at the provider, comes back."""
        return self.browser.get(self.returns(self.asks(page, **form)))


@pytest.fixture
def officer(desk_app: Flask, double: ProviderDouble, credential: Credential) -> OfficerAtDesk:
    person = OfficerAtDesk(desk_app.test_client(), double)
    response = person.signs_in()
    assert response.status_code == 303, response.text
    return person


@pytest.fixture(scope="session")
def letter() -> bytes:
    """A PDF of one A4 page, made by hand: no library of the product takes part."""
    return simple_pdf()


def simple_pdf(pages: int = 1) -> bytes:
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(pages))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number in range(pages):
        text = f"BT /F1 18 Tf 72 760 Td (A letter of the department, page {number + 1}) Tj ET".encode()
        page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {5 + 2 * number} 0 R"
        objects.append((page + " /Resources << /Font << /F1 3 0 R >> >> >>").encode())
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text))
    out, offsets = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
    for number, content in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


__all__ = ["workshop"]  # a fixture of the engine's tests
