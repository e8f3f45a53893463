"""A client's keys and logo."""

from __future__ import annotations

import json
from io import BytesIO

import pytest
from joserfc.jwk import ECKey
from PIL import Image

from core.errors import PersonError
from idp.admin.logo import MAX_BYTES, SIDE, reencode_logo
from tests.idp.admin.site import KEY, errors


@pytest.fixture
def client_id(site, developer):
    return site.register(developer)


def registered_keys(site, client_id):
    return [key["kid"] for key in site.provider.server.clients.load(client_id).get("jwks")["keys"]]


def test_keys_change_without_an_interruption(site, developer, client_id):
    new, path = ECKey.generate_key("P-256", auto_kid=True), f"/console/clients/{client_id}/keys"
    assert developer.submit(path, {"act": "add", "jwks": json.dumps(new.as_dict(private=False))}).status_code == 303
    assert registered_keys(site, client_id) == [KEY.kid, new.kid]
    assert developer.submit(path, {"act": "remove", "remove": KEY.thumbprint()}).status_code == 303
    assert registered_keys(site, client_id) == [new.kid]


def test_the_same_key_twice_changes_nothing(site, developer, client_id):
    path = f"/console/clients/{client_id}/keys"
    assert developer.submit(path, {"act": "add", "jwks": json.dumps(KEY.as_dict(private=False))}).status_code == 303
    assert registered_keys(site, client_id) == [KEY.kid]


def test_the_only_key_stays(site, developer, client_id):
    answer = developer.submit(f"/console/clients/{client_id}/keys", {"act": "remove", "remove": KEY.thumbprint()})
    assert answer.status_code == 400
    assert registered_keys(site, client_id) == [KEY.kid]


@pytest.mark.parametrize(
    "text", ["", "{", "7", '{"keys": 1}', '{"keys": [{"kty": "EC"}]}', '{"keys": [{"kty": "no"}]}']
)
def test_what_is_no_key_is_said_at_the_field(developer, client_id, text):
    answer = developer.submit(f"/console/clients/{client_id}/keys", {"act": "add", "jwks": text})
    assert answer.status_code == 400
    assert "jwks" in errors(answer)


def picture(kind="PNG", size=(300, 200), **options):
    written = BytesIO()
    Image.new("RGB", size, "navy").save(written, kind, **options)
    return written.getvalue()


def test_a_logo_is_kept_and_served_to_anyone(site, developer, client_id):
    upload = {"upload": (BytesIO(picture("JPEG")), "logo.jpg")}
    answer = developer.submit(f"/console/clients/{client_id}/logo", upload, content_type="multipart/form-data")
    assert answer.status_code == 303, errors(answer)
    served = site.browser().get(f"/logos/{client_id}.png")
    assert (served.status_code, served.content_type) == (200, "image/png")
    assert Image.open(BytesIO(served.data)).size == (192, 128)
    assert f"/logos/{client_id}.png" in developer.get(f"/console/clients/{client_id}").text


def test_the_logo_outlives_a_change(site, developer, client_id):
    upload = {"upload": (BytesIO(picture()), "logo.png")}
    developer.submit(f"/console/clients/{client_id}/logo", upload, content_type="multipart/form-data")
    new = ECKey.generate_key("P-256", auto_kid=True)
    developer.submit(
        f"/console/clients/{client_id}/keys", {"act": "add", "jwks": json.dumps(new.as_dict(private=False))}
    )
    assert site.browser().get(f"/logos/{client_id}.png").status_code == 200


def test_a_client_without_a_logo_has_none(site, client_id):
    assert site.browser().get(f"/logos/{client_id}.png").status_code == 404


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"GIF89a" + bytes(100),
        picture()[:60],
        bytes(MAX_BYTES + 1),
        picture(size=(4001, 10)),
    ],
)
def test_what_is_no_small_picture_is_refused(data):
    with pytest.raises(PersonError):
        reencode_logo(data, field="upload")


def test_nothing_but_pixels_survives():
    hidden = picture(pnginfo=None) + b"<script>alert(1)</script>"
    again = reencode_logo(hidden, field="upload")
    assert b"script" not in again
    assert max(Image.open(BytesIO(again)).size) == SIDE


@pytest.mark.parametrize("url", ["http://10.0.0.1/logo.png", "https://127.0.0.1:1/logo.png", "file:///etc/passwd", "x"])
def test_a_logo_is_not_fetched_from_inside(developer, client_id, url):
    answer = developer.submit(f"/console/clients/{client_id}/logo", {"logo_uri": url})
    assert answer.status_code == 400
    assert "logo_uri" in errors(answer)


def test_a_live_client_s_logo_is_not_swapped_without_approval(site, developer, client_id):
    site.browser("approver-kaew").submit(site.ask_for_go_live(developer, client_id), {"decision": "approve"})
    upload = {"upload": (BytesIO(picture()), "logo.png")}
    answer = developer.submit(f"/console/clients/{client_id}/logo", upload, content_type="multipart/form-data")
    assert "logo_uri" in errors(answer)
    assert site.browser().get(f"/logos/{client_id}.png").status_code == 404
