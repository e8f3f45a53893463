"""House rule 2: the signing module decides by itself whether an answer authorizes a signature.

CSC API v2 section 8.4, RFC 9396 section 7.1, RFC 9068 section 4, WebAuthn Level 3 section 7.2. Every refusal of the plan
in signing/csc/authorization.py is one test, and each attack has its name.
"""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from core.identifiers import new_id
from core.settings import Settings
from signing.credentials import Credential
from signing.csc.authorization import DocumentDigest, SigningRequest, check_authorization
from signing.refusals import AuthorizationExpired, NotAuthorized
from tests.authenticator import SoftwareAuthenticator
from tests.conftest import NOW
from tests.signing.conftest import identity, passkey_of
from tests.signing.provider_double import ISSUER, assertion_of, assertion_over

DIGEST = sha256(b"the prepared byte range").digest()
OTHER = sha256(b"another byte range").digest()


SETTINGS = Settings(
    issuer=ISSUER, rp_id="localhost", database_url="sqlite://", keys_url="file:unused", sandbox=True, data_dir=Path()
)


def issued(sub, authenticator):
    """A credential as it would be read from its row."""
    officer = identity(sub)
    return Credential(
        id=new_id(),
        kind="officer",
        sub=sub,
        name_th=officer.name_th,
        name_en=officer.name_en,
        position_th=officer.position_th,
        position_en=officer.position_en,
        agency_th=officer.agency_th,
        agency_en=officer.agency_en,
        kid="kid",
        certificate_serial="1",
        passkey=passkey_of(authenticator),
        passkey_sign_count=0,
        status="active",
        created_at=NOW,
        revoked_at=None,
    )


@pytest.fixture
def credential(double):
    return issued(double.sub, double.authenticator)


@pytest.fixture
def request_(credential, clock):
    document = DocumentDigest(digest=DIGEST, document_hash=sha256(b"the file").digest(), name="หนังสือ.pdf")
    expires_at = (clock.now() + timedelta(minutes=10)).replace(microsecond=0)
    return SigningRequest(credential_id=credential.id, documents=(document,), expires_at=expires_at, nonce="n" * 43)


@pytest.fixture
def decide(issuer, double, credential, request_):
    """The provider answers a pushed request, and the signing module decides."""

    def decide(*, asked=None, request=request_, prepared=(DIGEST,), credential=credential, officer=double.sub):
        asked = request_ if asked is None else asked
        pushed = {"authorization_details": asked.to_wire(), "scope": "openid", "nonce": "x"}
        return check_authorization(
            double.lies.answer(double.answer_to(pushed)),
            request=request,
            prepared=list(prepared),
            credential=credential,
            officer=officer,
            issuer=issuer,
            settings=SETTINGS,
        )

    return decide


def refused(decide, reason, **given):
    with pytest.raises(NotAuthorized) as refusal:
        decide(**given)
    assert refusal.value.reason == reason


def test_an_honest_answer_authorizes_exactly_this_digest(decide, request_):
    authorization = decide()
    assert authorization.request == request_
    assert authorization.sign_count == 1
    assert authorization.spend == request_.challenge().hex()


def test_the_request_carries_the_members_of_csc_section_8_4(request_, credential):
    detail = json.loads(request_.to_wire())[0]
    assert detail["type"] == "credential"
    assert detail["credentialID"] == credential.id
    assert detail["hashAlgorithmOID"] == "2.16.840.1.101.3.4.2.1"
    assert detail["documentDigests"][0]["hash"] == b64encode(DIGEST).decode()


def test_a_request_survives_its_storage(request_):
    assert SigningRequest.from_json(json.loads(json.dumps(request_.to_json()))) == request_


# ---------------------------------------------------------------- 1: the access token is the provider's


def test_a_token_signed_by_a_stranger_is_refused(decide, double):
    """The stranger's key claims the provider's `kid`."""
    double.key = ECKey.import_key(double.key.as_dict(private=True))
    honest, double.key = double.key, ECKey.generate_key("P-256", {"kid": double.key.kid, "alg": "ES256", "use": "sig"})
    stranger, answer_to = double.key, double.answer_to

    def answer(asked):
        double.key = stranger
        made = answer_to(asked)
        double.key = honest
        return made

    double.answer_to = answer
    refused(decide, "access token: signature")


def test_a_token_without_a_signature_is_refused(decide, double):
    def unsigned(answer):
        header = b64encode(b'{"alg":"none","typ":"at+jwt","kid":"%s"}' % double.key.kid.encode()).decode().rstrip("=")
        return answer | {"access_token": header + "." + answer["access_token"].split(".")[1] + "."}

    double.lies.answer = unsigned
    refused(decide, "access token: signature")


def test_an_id_token_is_no_access_token(decide, double):
    double.lies.answer = lambda answer: answer | {"access_token": answer["id_token"]}
    refused(decide, "access token: typ")


def test_an_answer_without_a_token_is_refused(decide, double):
    double.lies.answer = lambda answer: {}
    refused(decide, "access token: there is no token")


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("iss", "https://elsewhere.example"),
        ("aud", "http://localhost:8080/other"),
        ("aud", []),
        ("exp", 1),
        ("exp", None),
        ("exp", "9999999999"),
        ("iat", 9999999999),
        ("nbf", 9999999999),
        ("sub", ""),
        ("client_id", None),
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(decide, double, claim, value):
    double.lies.access_token = lambda claims: claims | {claim: value}
    refused(decide, f"access token: {claim}")


# ---------------------------------------------------------------- 2 to 6: it speaks of this request


def test_a_token_for_another_client_is_refused(decide, double):
    double.lies.access_token = lambda claims: claims | {"client_id": "demo-a"}
    refused(decide, "client_id")


def test_a_token_of_another_officer_is_refused(decide, double):
    double.lies.access_token = lambda claims: claims | {"sub": "officer-malee"}
    refused(decide, "sub")


def test_another_officers_session_cannot_use_the_answer(decide):
    refused(decide, "sub", officer="officer-malee")


def test_another_officers_credential_is_refused(decide, request_, double):
    theirs = issued("officer-malee", double.authenticator)
    asked = replace(request_, credential_id=theirs.id)
    refused(decide, "sub", asked=asked, request=asked, credential=theirs)


def change_detail(**changes):
    def change(claims):
        return claims | {"authorization_details": [claims["authorization_details"][0] | changes]}

    return change


@pytest.mark.parametrize(
    "change",
    [
        {"credentialID": "another"},
        {"documentDigests": [{"hash": b64encode(OTHER).decode(), "label": "หนังสือ.pdf"}]},
        {"documentDigests": []},
        {"prajak_expires_at": 9999999999},
        {"prajak_nonce": "m" * 43},
        {"hashAlgorithmOID": "1.3.14.3.2.26"},
    ],
    ids=["credential", "digest", "count", "expiry", "nonce", "algorithm"],
)
def test_a_token_over_other_details_is_refused(decide, double, change):
    double.lies.access_token = change_detail(**change)
    refused(decide, "authorization_details")


def test_a_token_over_more_digests_than_were_pushed_is_refused(decide, double):
    def add(claims):
        detail = claims["authorization_details"][0]
        digests = [*detail["documentDigests"], {"hash": b64encode(OTHER).decode(), "label": "more"}]
        return claims | {"authorization_details": [detail | {"documentDigests": digests}]}

    double.lies.access_token = add
    refused(decide, "authorization_details")


def test_a_token_without_details_is_refused(decide, double):
    double.lies.access_token = lambda claims: {k: v for k, v in claims.items() if k != "authorization_details"}
    refused(decide, "authorization_details")


def test_an_authorization_for_other_bytes_than_are_prepared_is_refused(decide):
    refused(decide, "digests", prepared=[OTHER])


def test_an_authorization_for_one_document_does_not_sign_two(decide):
    refused(decide, "digests", prepared=[DIGEST, OTHER])


def test_another_credential_than_was_asked_for_is_refused(decide, double):
    second = issued(double.sub, double.authenticator)
    refused(decide, "credential", credential=second)


def test_an_expired_authorization_is_refused(decide, clock, double):
    clock.advance(timedelta(minutes=10))
    with pytest.raises(AuthorizationExpired):
        decide()


def test_a_tampered_expiry_does_not_lengthen_the_authorization(decide, clock, request_, double):
    """Even a stored request whose expiry was moved meets an assertion over the true one."""
    longer = replace(request_, expires_at=request_.expires_at + timedelta(hours=1))
    double.lies.access_token = change_detail(prajak_expires_at=int(longer.expires_at.timestamp()))
    refused(decide, "assertion", request=longer)


# ---------------------------------------------------------------- 7 and 8: the passkey agreed


def test_a_lying_provider_without_an_assertion_gets_no_signature(decide, double):
    double.lies.details = lambda detail: {k: v for k, v in detail.items() if k != "prajak_assertion"}
    refused(decide, "prajak_assertion")


def test_a_lying_provider_with_a_forged_assertion_gets_no_signature(decide, double):
    """The provider has every key of its own, and not the officer's."""
    forger = SoftwareAuthenticator(credential_id=double.authenticator.credential_id)
    double.lies.details = lambda detail: detail | {"prajak_assertion": assertion_over(detail, forger)}
    refused(decide, "assertion")


def test_an_assertion_of_another_passkey_of_the_same_officer_is_refused(decide, double):
    other = SoftwareAuthenticator()
    double.lies.details = lambda detail: detail | {"prajak_assertion": assertion_over(detail, other)}
    refused(decide, "passkey")


def test_an_assertion_of_an_ordinary_sign_in_is_refused(decide, double):
    """A relayed login challenge is no consent to sign."""
    login = assertion_of(b"c" * 32, double.authenticator)
    double.lies.details = lambda detail: detail | {"prajak_assertion": login}
    refused(decide, "assertion")


def test_an_assertion_over_another_digest_is_refused(decide, double, request_):
    """The officer saw another document than the one that is prepared here."""
    shown = replace(request_, documents=(replace(request_.documents[0], digest=OTHER),))
    stolen = assertion_of(shown.challenge(), double.authenticator)
    double.lies.details = lambda detail: detail | {"prajak_assertion": stolen}
    refused(decide, "assertion")


def test_an_assertion_over_more_digests_is_refused(decide, double, request_):
    more = replace(request_, documents=(*request_.documents, replace(request_.documents[0], digest=OTHER)))
    stolen = assertion_of(more.challenge(), double.authenticator)
    double.lies.details = lambda detail: detail | {"prajak_assertion": stolen}
    refused(decide, "assertion")


def test_an_assertion_without_user_verification_is_refused(decide, double):
    double.authenticator.user_verified = False
    refused(decide, "assertion")


def test_an_assertion_made_on_another_site_is_refused(decide, double):
    double.authenticator.origin = "http://elsewhere.localhost:8080"
    refused(decide, "assertion")


@pytest.mark.parametrize("member", ["id", "clientDataJSON", "authenticatorData", "signature"])
@pytest.mark.parametrize("value", [None, 7, {}, []])
def test_an_assertion_of_odd_types_is_refused(decide, double, member, value):
    double.lies.details = lambda detail: detail | {"prajak_assertion": detail["prajak_assertion"] | {member: value}}
    refused(decide, "prajak_assertion")


@pytest.mark.parametrize("member", ["clientDataJSON", "authenticatorData", "signature"])
@pytest.mark.parametrize("value", ["", "!", "AAAA", "\x00", "\ud800"])
def test_an_assertion_of_nonsense_is_refused(decide, double, member, value):
    double.lies.details = lambda detail: detail | {"prajak_assertion": detail["prajak_assertion"] | {member: value}}
    refused(decide, "assertion")


@pytest.mark.parametrize("details", [None, [], {}, "x", [{}, {}], ["x"]])
def test_an_answer_with_other_than_one_detail_is_refused(decide, double, details):
    double.lies.answer = lambda answer: answer | {"authorization_details": details}
    refused(decide, "one authorization detail")
