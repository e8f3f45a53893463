"""RFC 7512: what is named, and what is refused by name."""

from pathlib import Path

import pytest

from core.settings import SettingsError
from keys.pkcs11_uri import load_pin, parse_token_uri

MODULE = "?module-path=/usr/lib/softhsm/libsofthsm2.so"
REST = f"{MODULE}&pin-source=file:/run/pin"


def parse(uri, *, sandbox=False):
    return parse_token_uri(uri, setting="PRAJAK_KEYS_URL", sandbox=sandbox)


def test_a_token_is_named_by_its_label_its_serial_and_its_slot():
    uri = parse(f"pkcs11:token=The%20keys%3B%201;serial=0a1b;slot-id=42{REST}")
    assert (uri.token, uri.serial, uri.slot_id) == ("The keys; 1", "0a1b", 42)
    assert (uri.module_path, uri.pin_source) == (Path("/usr/lib/softhsm/libsofthsm2.so"), Path("/run/pin"))
    assert str(uri) == "pkcs11:token=The keys; 1;serial=0a1b;slot-id=42"


@pytest.mark.parametrize("source", ["file:/run/pin", "file:///run/pin", "/run/pin"])
def test_the_pin_is_read_from_a_file(source):
    assert parse(f"pkcs11:token=t{MODULE}&pin-source={source}").pin_source == Path("/run/pin")


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        (f"pkcs11:token=t;object=key{REST}", "the attribute object is not used here"),
        (f"pkcs11:token=t;manufacturer=m{REST}", "the attribute manufacturer is not used here"),
        (f"pkcs11:token=t{REST}&module-name=m", "the attribute module-name is not used here"),
        (f"pkcs11:token=t;token=u{REST}", "token stands there twice"),
        (f"pkcs11:token=%zz{REST}", "not percent-encoded rightly"),
        (f"pkcs11:token={REST}", "token has no value"),
        (f"pkcs11:token=%ff{REST}", "token is not UTF-8"),
        (f"pkcs11:slot-id=-1{REST}", "slot-id must be a decimal number"),
        (f"pkcs11:slot-id=๑{REST}", "slot-id must be a decimal number"),
        (f"pkcs11:{REST}", "must name its token"),
        ("pkcs11:token=t?pin-source=/run/pin", "needs .module-path="),
        ("pkcs11:token=t?module-path=lib.so&pin-source=/run/pin", "absolute path"),
        (f"pkcs11:token=t{MODULE}", "needs pin-source=file:/PATH"),
        (f"pkcs11:token=t{MODULE}&pin-source=pin", "pin-source must be file: and an absolute path"),
        (f"pkcs11:token=t{MODULE}&pin-source=%7Ccat%20/run/pin", "pin-source must be file: and an absolute path"),
        (f"pkcs11:token=t{MODULE}&pin-value=1234", "pin-value is for the sandbox alone"),
        ("file:/keys", "must be a pkcs11: URI"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(uri, why):
    with pytest.raises(SettingsError, match=f"^PRAJAK_KEYS_URL.*{why}"):
        parse(uri)


def test_a_pin_in_the_uri_is_for_the_sandbox_and_is_not_shown():
    uri = parse(f"pkcs11:token=t{MODULE}&pin-value=1234", sandbox=True)
    assert load_pin(uri, "PRAJAK_KEYS_URL") == "1234"
    assert "1234" not in f"{uri} {uri!r}"
    with pytest.raises(SettingsError, match="needs pin-source"):
        parse(f"pkcs11:token=t{REST}&pin-value=1234", sandbox=True)


def test_a_pin_file_is_one_line_and_a_missing_or_an_empty_one_is_named(tmp_path):
    uri = parse(f"pkcs11:token=t{MODULE}&pin-source=file:{tmp_path}/pin")
    with pytest.raises(SettingsError, match="cannot be read"):
        load_pin(uri, "PRAJAK_KEYS_URL")
    (tmp_path / "pin").write_text("\n")
    with pytest.raises(SettingsError, match="is empty"):
        load_pin(uri, "PRAJAK_KEYS_URL")
    (tmp_path / "pin").write_text(" 12 34 \n")
    assert load_pin(uri, "PRAJAK_KEYS_URL") == " 12 34 "
