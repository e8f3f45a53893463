"""Keys on a token: what only a token can get wrong. PKCS #11 v3.0, with SoftHSM2 set as hardware behaves."""

import subprocess
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pkcs11 import Attribute, KeyType
from pkcs11.util.ec import encode_named_curve_parameters

from core.settings import SettingsError
from keys.algorithms import ALGORITHMS, AlgorithmName
from keys.errors import DecryptionError, KeystoreError
from keys.jwks import thumbprint
from keys.pkcs11_connection import present_tokens
from keys.pkcs11_custody import TokenCustody
from keys.pkcs11_token import module_at
from keys.secret import SecretName
from keys.signer import open_custody
from tests.backends import settings_for
from tests.soft_token import MODULE, PIN

ES256 = ALGORITHMS[AlgorithmName.ES256]


@pytest.fixture
def settings(token_url, tmp_path):
    """Without a database: keys alone."""
    return replace(settings_for("sqlite://"), keys_url=token_url, data_dir=tmp_path)


@pytest.fixture
def custody(settings):
    return open_custody(settings)


def test_a_pkcs11_uri_means_a_token(custody):
    assert isinstance(custody, TokenCustody)


def test_a_private_key_and_a_secret_cannot_be_read_from_the_token(custody):
    kid = custody.create_signer(ES256).kid
    custody.create_secret("never-leaves", SecretName.A256GCM)
    for look in (lambda session: session.private_key(kid), lambda session: session.secret_key("never-leaves")):
        with pytest.raises(KeystoreError, match="AttributeSensitive"):
            custody.token.run(lambda session, look=look: look(session)[Attribute.VALUE])


def test_another_tool_sees_that_the_key_was_made_there_and_never_leaves(custody, soft_tokens):
    kid = custody.create_signer(ES256).kid
    command = ["pkcs11-tool", "--module", MODULE, "--token-label", "prajak", "--login", "--pin", PIN, "--list-objects"]
    told = subprocess.run(
        [*command, "--id", kid.encode().hex()], check=True, capture_output=True, text=True, timeout=20
    ).stdout
    assert f"label:      prajak ES256 {kid}" in told
    assert "Access:     sensitive, always sensitive, never extractable, local" in told


def test_a_key_that_can_be_taken_out_is_refused(custody):
    def work(session):
        parameters = {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
        domain = session.session.create_domain_parameters(KeyType.EC, parameters, local=True)
        public, private = domain.generate_keypair(store=True, private_template={Attribute.EXTRACTABLE: True})
        point = bytes(public[Attribute.EC_POINT])[2:]
        kid = thumbprint(ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point))
        public[Attribute.ID] = private[Attribute.ID] = kid.encode()
        return kid

    kid = custody.token.run(work)
    with pytest.raises(KeystoreError, match="must be sensitive and not extractable"):
        custody.load_signer(kid, ES256)


def test_a_key_in_anothers_place_does_not_sign_under_its_name(custody):
    one, other = custody.create_signer(ES256), custody.create_signer(ES256)
    custody.discard(other.kid)

    def take_its_name(session):
        for found in session.all_of(one.kid):
            found[Attribute.ID] = other.kid.encode()
        session.forget()

    custody.token.run(take_its_name)
    with pytest.raises(KeystoreError, match="holds another key under the name"):
        custody.load_signer(other.kid, ES256)


def test_a_private_key_beside_anothers_public_key_is_found_out(custody):
    one, other = custody.create_signer(ES256), custody.create_signer(ES256)

    def swap_the_private_half(session):
        session.private_key(one.kid).destroy()
        session.private_key(other.kid)[Attribute.ID] = one.kid.encode()
        session.forget()

    custody.token.run(swap_the_private_half)
    with pytest.raises(KeystoreError, match="does not go with its public key"):
        custody.load_signer(one.kid, ES256)


def test_two_keys_of_one_name_are_refused(custody):
    custody.create_secret("twice", SecretName.HS256)
    custody.create_secret("twice", SecretName.HS256)
    with pytest.raises(KeystoreError, match="2 keys on the token have the identifier twice"):
        custody.load_secret("twice", SecretName.HS256)


def test_a_key_that_the_token_cannot_use_is_not_left_on_it(custody, monkeypatch):
    def objects():
        return custody.token.run(lambda session: len(list(session.session.get_objects())))

    before = objects()
    monkeypatch.setattr("keys.pkcs11_custody.check_stays", unusable)
    with pytest.raises(KeystoreError, match="not this one"):
        custody.create_signer(ES256)
    with pytest.raises(KeystoreError, match="not this one"):
        custody.create_secret("not-kept", SecretName.HS256)
    assert objects() == before


def unusable(_found):
    raise KeystoreError("not this one")


def test_bad_ciphertext_and_a_deleted_key_do_not_begin_the_module_anew(custody):
    """Strangers send ciphertext: it must not cost everybody the connection."""
    secret, signer = custody.create_secret("attacked", SecretName.A256GCM), custody.create_signer(ES256)
    generation = custody.token.module.generation
    for _ in range(3):
        with pytest.raises(DecryptionError):
            secret.decrypt(b"n" * 12, b"x" * 40, b"")
    custody.discard(signer.kid)
    with pytest.raises(KeystoreError, match="is missing from the token"):
        signer.sign(b"data")
    assert custody.token.module.generation == generation


def test_a_token_without_a_mechanism_says_which(settings, custody, soft_tokens):
    told = soft_tokens.configuration.read_text()
    soft_tokens.configuration.write_text(told + "slots.mechanisms = CKM_EC_KEY_PAIR_GEN,CKM_ECDSA\n")
    try:
        custody.token.module.renew(custody.token.module.generation)
        assert not custody.offers("EdDSA")
        assert custody.offers("ES256")
        with pytest.raises(SettingsError, match="has no CKM_AES_GCM for A256GCM; .* or CKM_RSA_X_509 for RSA-OAEP-256"):
            open_custody(settings)
        with pytest.raises(
            KeystoreError, match="has no CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EDDSA: a key for EdDSA cannot be had"
        ):
            custody.create_signer(ALGORITHMS[AlgorithmName.EDDSA])
    finally:
        soft_tokens.configuration.write_text(told)
        custody.token.module.renew(custody.token.module.generation)
    assert custody.offers("EdDSA")


@pytest.mark.usefixtures("soft_tokens")
class TestTheStart:
    def test_a_wrong_pin_is_named_and_not_tried_again(self, settings, soft_tokens, tmp_path, monkeypatch):
        """Tokens lock after a few: it is tried again when another stands there."""
        url = soft_tokens.make("pins").replace(f"{soft_tokens.folder}/pin", f"{tmp_path}/pin")
        (tmp_path / "pin").write_text("wrong-pin\n")
        monkeypatch.setattr("keys.pkcs11_token.FIRST_PAUSE", 0.0)
        with pytest.raises(SettingsError, match="PRAJAK_KEYS_URL: pkcs11:token=pins refuses the PIN .PinIncorrect."):
            open_custody(replace(settings, keys_url=url))
        with pytest.raises(SettingsError, match="refused this PIN; it is not tried again"):
            open_custody(replace(settings, keys_url=url))
        (tmp_path / "pin").write_text(PIN)
        assert open_custody(replace(settings, keys_url=url)).create_signer(ES256).sign(b"data")

    def test_a_token_needs_no_key_that_opens_it(self, settings, tmp_path):
        with pytest.raises(SettingsError, match="are for file:DIRECTORY; a token needs none"):
            open_custody(replace(settings, keys_kek_file=tmp_path / "kek"))

    def test_a_token_that_is_not_there_is_named(self, settings, soft_tokens):
        with pytest.raises(SettingsError, match="pkcs11:token=nowhere is away: there is no such token"):
            open_custody(replace(settings, keys_url=soft_tokens.uri("nowhere")))

    def test_what_is_no_module_is_named(self, settings, soft_tokens, tmp_path):
        (tmp_path / "module.so").write_text("no library")
        for path in (tmp_path / "module.so", tmp_path / "absent.so"):
            with pytest.raises(SettingsError, match=f"module-path: {path} is no PKCS #11 module"):
                open_custody(replace(settings, keys_url=soft_tokens.uri("prajak", path)))

    def test_of_two_tokens_with_one_label_the_serial_tells(self, settings, soft_tokens):
        url = soft_tokens.make("twins")
        soft_tokens.make("twins")
        with pytest.raises(SettingsError, match="2 tokens are meant by pkcs11:token=twins; name the serial too"):
            open_custody(replace(settings, keys_url=url))
        module = module_at(MODULE)
        serials = [token.serial.decode() for token in present_tokens(module) if token.label == "twins"]
        one, other = (replace(settings, keys_url=url.replace("?", f";serial={serial}?")) for serial in serials)
        kid = open_custody(one).create_signer(ES256).kid
        with pytest.raises(KeystoreError, match="is missing from the token"):
            open_custody(other).load_signer(kid, ES256)
