"""RFC 7516 and RFC 7518: what others encrypt to us opens with our keys alone, and nothing odd opens at all."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwe import encrypt_compact
from joserfc.jwk import ECKey, RSAKey, import_key

from idp.models.jose import ENCRYPTION_ALGORITHMS, ENCRYPTION_METHODS
from idp.oauth2.compact_jwe import MAX_JWE, decrypt, derive, encrypt, is_encrypted
from idp.oauth2.compact_jws import BadToken
from keys.keystore import Keystore
from keys.purposes import Purpose
from tests.idp.provider import b64
from tests.protocol.requirement import requirement

TEXT = "header.claims.signature"
ALL = [*ENCRYPTION_ALGORITHMS, *ENCRYPTION_METHODS, "RSA-OAEP", "RSA1_5", "A192GCM", "DEF"]


@pytest.fixture
def keystore(ground):
    made = Keystore(ground)
    made.ensure_all([(Purpose.REQUEST_OBJECT, "ECDH-ES"), (Purpose.REQUEST_OBJECT, "RSA-OAEP-256")])
    return made


def ours(keystore, alg):
    family = "RSA-OAEP-256" if alg.startswith("RSA") else "ECDH-ES"
    (found,) = [jwk for jwk in keystore.published([Purpose.REQUEST_OBJECT]) if jwk["alg"] == family]
    return {name: value for name, value in found.items() if name not in ("alg", "use")}


def encrypted(keystore, alg="ECDH-ES", enc="A128GCM", **header):
    key = import_key(ours(keystore, alg))
    header = {"alg": alg, "enc": enc, "kid": key.kid, **header}
    header = {name: value for name, value in header.items() if value is not None}
    return encrypt_compact(header, TEXT, key, algorithms=ALL)


def opened(keystore, token):
    return decrypt(token, keystore, Purpose.REQUEST_OBJECT)


def test_the_key_of_rfc_7518_appendix_c_is_derived():
    z = [158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156]
    z += [251, 49, 110, 163, 218, 128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196]
    header = {"alg": "ECDH-ES", "enc": "A128GCM", "apu": "QWxpY2U", "apv": "Qm9i"}
    assert b64(derive(bytes(z), header, "A128GCM", 128)) == "VqqN6vgjbSBcIijNcacQGg"


@requirement("OIDC Core", "10.2", "MUST")
@pytest.mark.parametrize("enc", ENCRYPTION_METHODS)
@pytest.mark.parametrize("alg", ENCRYPTION_ALGORITHMS)
def test_what_an_independent_library_encrypted_opens(keystore, alg, enc):
    token = encrypted(keystore, alg, enc)
    assert is_encrypted(token)
    assert opened(keystore, token) == TEXT


def test_parties_and_a_missing_kid_are_understood(keystore):
    assert opened(keystore, encrypted(keystore, apu="QWxpY2U", apv="Qm9i")) == TEXT
    assert opened(keystore, encrypted(keystore, kid=None)) == TEXT


@pytest.mark.filterwarnings("ignore:JWE algorithm")
@pytest.mark.parametrize("alg", ["RSA-OAEP", "RSA1_5"])
def test_sha_1_and_the_padding_of_1998_are_refused(keystore, alg):
    with pytest.raises(BadToken, match="alg of the encryption must be one of"):
        opened(keystore, encrypted(keystore, alg))


def test_other_content_encryption_is_refused(keystore):
    with pytest.raises(BadToken, match="enc must be one of"):
        opened(keystore, encrypted(keystore, enc="A192GCM"))


def test_compression_is_refused_because_it_opens_to_any_size(keystore):
    with pytest.raises(BadToken, match="compression"):
        opened(keystore, encrypted(keystore, zip="DEF"))


@pytest.mark.parametrize("part", range(1, 5))
def test_a_changed_part_opens_nothing_and_does_not_say_which(keystore, part):
    parts = encrypted(keystore, "RSA-OAEP-256").split(".")
    data = bytearray(urlsafe_b64decode(parts[part] + "=" * (-len(parts[part]) % 4)))
    data[0] ^= 1
    parts[part] = b64(bytes(data))
    with pytest.raises(BadToken, match="does not decrypt with a key of ours"):
        opened(keystore, ".".join(parts))


def test_a_header_is_bound_to_what_it_heads(keystore):
    """RFC 7516 section 5.2 step 14: it is authenticated with the ciphertext."""
    first, second = encrypted(keystore, cty="JWT").split("."), encrypted(keystore).split(".")
    with pytest.raises(BadToken, match="does not decrypt"):
        opened(keystore, ".".join([second[0], *first[1:]]))


def test_another_servers_key_opens_nothing(keystore):
    stranger = ECKey.generate_key("P-256", private=False)
    token = encrypt(TEXT, stranger, alg="ECDH-ES", enc="A128GCM")
    with pytest.raises(BadToken, match="does not decrypt"):
        opened(keystore, token)


def bent(keystore, **header):
    parts = encrypted(keystore).split(".")
    found = json.loads(urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4))) | header
    return ".".join([b64(json.dumps(found).encode()), *parts[1:]])


@pytest.mark.parametrize(
    "header",
    [
        {"kid": 5},
        {"kid": "another"},
        {"epk": None},
        {"epk": {"kty": "EC", "crv": "P-256", "x": b64(b"\1" * 32), "y": b64(b"\1" * 32)}},  # not on the curve
        {"epk": ECKey.generate_key("P-384").as_dict(private=False)},
        {"epk": RSAKey.generate_key(2048).as_dict(private=False)},
        {"apu": 5},
        {"apu": "!"},
        {"alg": 5},
        {"enc": None},
        {"crit": ["x"]},
    ],
)
def test_an_odd_header_is_refused(keystore, header):
    with pytest.raises(BadToken):
        opened(keystore, bent(keystore, **header))


@pytest.mark.parametrize("token", ["", "....", "a.b.c.d.e", "a.b.c", "." * 20, "ก....", "e30....", "x" * (MAX_JWE + 1)])
def test_what_is_no_jwe_is_refused(keystore, token):
    with pytest.raises(BadToken):
        opened(keystore, token)


def test_a_short_tag_is_refused(keystore):
    parts = encrypted(keystore).split(".")
    with pytest.raises(BadToken, match="not as long as it must be"):
        opened(keystore, ".".join([*parts[:4], parts[4][:16]]))


@given(st.text(alphabet="abcdefgh0189-_.=", max_size=200) | st.text(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_sent_is_opened_or_refused(keystore, text):
    with pytest.raises(BadToken):
        opened(keystore, text)


HEADERS = st.fixed_dictionaries(
    {"alg": st.sampled_from(ENCRYPTION_ALGORITHMS), "enc": st.sampled_from(ENCRYPTION_METHODS)},
    optional={
        "epk": st.none()
        | st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "d", "n", "e"]), st.text(max_size=50)),
        "kid": st.text(max_size=10),
        "apu": st.text(max_size=10),
    },
)


@given(HEADERS, st.lists(st.binary(max_size=70), min_size=4, max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_well_formed_jwe_of_any_content_is_refused(keystore, header, parts):
    with pytest.raises(BadToken):
        opened(keystore, ".".join([b64(json.dumps(header).encode()), *map(b64, parts)]))
