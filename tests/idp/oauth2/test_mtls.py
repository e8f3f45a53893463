"""RFC 8705: clients that authenticate by their certificate, tokens bound to it, and what discovery says of it.

Here the header of RFC 9440 comes from the test itself; `test_mtls_proxy.py` has the real proxy.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from ipaddress import ip_address, ip_network

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from idp.command.doctor import check_mtls
from keys.keystore import Keystore
from tests.certificates import CLIENT_AUTH, NOT_CA, authority, issue, names, self_signed
from tests.conftest import NOW
from tests.idp.provider import Provider, b64, claims_of
from tests.protocol.requirement import requirement

ALIAS = "https://mtls.localhost:8443"
AUTHORITY, ELSEWHERE = authority(), authority("CN=Another authority")
SUBJECT = "CN=client,OU=Unit,O=Agency,C=TH"
SERVER_AUTH = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])


@pytest.fixture
def settings(settings, tmp_path):
    """Behind a proxy, as in production; the tests' own calls come from its address."""
    trust = AUTHORITY.write(tmp_path, "authority")
    return replace(settings, mtls_url=ALIAS, mtls_trust=trust, trusted_proxies=(ip_network("127.0.0.1"),))


def caller(provider, holder=None, *, header="", address="127.0.0.1"):
    """Somebody whose calls the proxy forwards with this certificate."""
    client = provider.app.test_client()
    client.environ_base["REMOTE_ADDR"] = address
    if holder or header:
        client.environ_base["HTTP_CLIENT_CERT"] = header or holder.header
    return client


def metadata_of(provider):
    return provider.browser().get("/.well-known/oauth-authorization-server").json


def userinfo(client, token):
    return client.get("/userinfo", headers={"Authorization": f"Bearer {token}"})


class TestSelfSigned:
    """Section 2.2."""

    @pytest.fixture
    def holder(self):
        return self_signed()

    @pytest.fixture
    def agency(self, provider, holder):
        method = {"token_endpoint_auth_method": "self_signed_tls_client_auth"}
        return provider.agency("self-signed", jwks={"keys": [holder.jwk]}, **method)

    @requirement("RFC 8705", "2.2", "MUST")
    def test_the_registered_certificate_authenticates(self, provider, agency, holder, browser):
        assert agency.redeem(agency.code(browser), browser=caller(provider, holder)).status_code == 200

    @requirement("RFC 8705", "2", "MUST")
    def test_a_client_without_its_certificate_is_refused(self, provider, agency, browser):
        answer = agency.redeem(agency.code(browser))
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
        assert "mtls_endpoint_aliases" in answer.json["error_description"]

    @requirement("RFC 8705", "2.2", "MUST NOT")
    def test_another_certificate_of_the_same_name_is_refused(self, provider, agency, browser):
        answer = agency.redeem(agency.code(browser), browser=caller(provider, self_signed()))
        assert answer.json["error"] == "invalid_client"

    @requirement("RFC 8705", "2.2.2", "MUST")
    def test_another_certificate_with_the_same_key_is_refused(self, provider, agency, holder, browser):
        """The certificate was registered, not the key alone."""
        other = replace(holder, certificate=issue("CN=other", issuer=holder).certificate)
        assert agency.redeem(agency.code(browser), browser=caller(provider, other)).json["error"] == "invalid_client"

    @requirement("RFC 8705", "2", "MUST")
    def test_client_id_says_who_it_is(self, provider, agency, holder, browser):
        """Section 2: without it nobody would know whose certificate to look for."""
        answer = agency.redeem(agency.code(browser), browser=caller(provider, holder), client_id=None)
        assert answer.json["error"] == "invalid_client"

    @requirement("RFC 6749", "2.3", "MUST NOT")
    def test_a_secret_beside_the_certificate_is_refused(self, provider, agency, holder, browser):
        client = caller(provider, holder)
        answer = agency.redeem(agency.code(browser), browser=client, client_secret="x")
        assert answer.json["error"] == "invalid_client"

    def test_an_assertion_does_not_stand_in_for_the_certificate(self, provider, agency, browser):
        assertion = {"client_assertion": agency.assertion(), "client_assertion_type": "x"}
        assert agency.redeem(agency.code(browser), **assertion).json["error"] == "invalid_client"

    @requirement("RFC 9440", "4", "MUST")
    def test_a_header_that_did_not_come_from_the_proxy_proves_nothing(self, provider, agency, holder, browser):
        """Anybody can send a certificate: it is public."""
        forged = caller(provider, holder, address="192.0.2.7")
        assert agency.redeem(agency.code(browser), browser=forged).json["error"] == "invalid_client"

    @pytest.mark.parametrize("header", ["garbage", ":AAAA:, :AAAA:"])
    def test_a_header_that_is_no_certificate_is_a_bad_request(self, provider, agency, header, browser):
        answer = agency.redeem(agency.code(browser), browser=caller(provider, header=header))
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")

    def test_bytes_that_are_no_certificate_authenticate_nobody(self, provider, agency, browser):
        assert agency.redeem(agency.code(browser), browser=caller(provider, header=":AAAA:")).status_code == 401


class TestIssued:
    """Section 2.1: an authority certifies the one name that the client registered."""

    SAN = names(
        x509.DNSName("Client.Agency.Example"),
        x509.UniformResourceIdentifier("https://agency.example/client"),
        x509.IPAddress(ip_address("2001:db8::1")),
        x509.RFC822Name("it@agency.example"),
    )

    @pytest.fixture
    def attempt(self, provider, browser):
        """The token endpoint's answer to this client with this certificate."""

        def attempted(holder, **registered):
            agency = provider.agency("pki", token_endpoint_auth_method="tls_client_auth", **registered)
            return agency.redeem(agency.code(browser), browser=caller(provider, holder))

        return attempted

    @requirement("RFC 8705", "2.1.2", "MUST")
    @pytest.mark.parametrize(
        "registered",
        [
            {"tls_client_auth_subject_dn": SUBJECT},
            {"tls_client_auth_subject_dn": "CN=Client,OU=unit,O=AGENCY,C=th"},
            {"tls_client_auth_subject_dn": "cn=client,ou=Unit,o=Agency,c=TH"},
            {"tls_client_auth_subject_dn": "Cn=client,oU=Unit,2.5.4.10=Agency,C=TH"},
            {"tls_client_auth_san_dns": "client.agency.example"},
            {"tls_client_auth_san_uri": "https://agency.example/client"},
            {"tls_client_auth_san_ip": "2001:0db8:0:0::1"},
            {"tls_client_auth_san_email": "it@Agency.example"},
        ],
    )
    def test_the_registered_name_in_a_certificate_of_a_trusted_authority_authenticates(self, attempt, registered):
        """RFC 4517 section 4.2.15: distinguished names are compared without regard to case."""
        holder = issue(SUBJECT, NOT_CA, CLIENT_AUTH, self.SAN, issuer=AUTHORITY)
        answer = attempt(holder, **registered)
        assert answer.status_code == 200, answer.text

    def test_a_certificate_without_alternative_names_will_do(self, attempt):
        holder = issue(SUBJECT, NOT_CA, CLIENT_AUTH, issuer=AUTHORITY)
        assert attempt(holder, tls_client_auth_subject_dn=SUBJECT).status_code == 200

    @requirement("RFC 8705", "2.1", "MUST")
    @pytest.mark.parametrize(
        "registered",
        [
            {"tls_client_auth_subject_dn": "CN=client,O=Agency,C=TH"},
            {"tls_client_auth_subject_dn": "C=TH,O=Agency,OU=Unit,CN=client"},
            {"tls_client_auth_subject_dn": "CN=client\\,OU=Unit,O=Agency,C=TH"},
            {"tls_client_auth_san_dns": "agency.example"},
            {"tls_client_auth_san_uri": "https://agency.example/Client"},
            {"tls_client_auth_san_ip": "2001:db8::2"},
            {"tls_client_auth_san_email": "IT@agency.example"},
        ],
    )
    def test_another_name_is_refused(self, attempt, registered):
        holder = issue(SUBJECT, NOT_CA, CLIENT_AUTH, self.SAN, issuer=AUTHORITY)
        answer = attempt(holder, **registered)
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
        assert "another subject" in answer.json["error_description"]

    @requirement("RFC 8705", "2.1", "MUST")
    @pytest.mark.parametrize(
        "holder",
        [
            issue(SUBJECT, NOT_CA, CLIENT_AUTH, issuer=ELSEWHERE),
            issue(SUBJECT, NOT_CA, CLIENT_AUTH),
            issue(SUBJECT, NOT_CA, CLIENT_AUTH, issuer=AUTHORITY, not_after=NOW - timedelta(minutes=1)),
            issue(SUBJECT, NOT_CA, CLIENT_AUTH, issuer=AUTHORITY, not_before=NOW + timedelta(minutes=1)),
            issue(SUBJECT, NOT_CA, SERVER_AUTH, issuer=AUTHORITY),
            issue(SUBJECT, NOT_CA, CLIENT_AUTH, issuer=issue("CN=client", NOT_CA, CLIENT_AUTH, issuer=AUTHORITY)),
        ],
        ids=["another authority", "self-signed", "expired", "not yet", "for servers", "issued by a leaf"],
    )
    def test_a_certificate_that_no_trusted_authority_stands_for_is_refused(self, attempt, holder):
        answer = attempt(holder, tls_client_auth_subject_dn=SUBJECT)
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
        assert "no authority" in answer.json["error_description"]


class TestBoundTokens:
    """Section 3."""

    @pytest.fixture
    def holder(self):
        return self_signed()

    @pytest.fixture
    def bound(self, provider):
        """It authenticates by an assertion; the certificate binds its tokens, and need not be registered."""
        return provider.agency("bound", tls_client_certificate_bound_access_tokens=True)

    @requirement("RFC 8705", "3.1", "MUST")
    def test_the_token_names_the_certificate(self, provider, bound, holder, browser):
        answer = bound.redeem(bound.code(browser), browser=caller(provider, holder))
        token = answer.json["access_token"]
        assert claims_of(token)["cnf"] == {"x5t#S256": b64(sha256(holder.der).digest())}
        assert answer.json["token_type"] == "Bearer"

    @requirement("RFC 8705", "3", "MUST")
    def test_it_is_served_to_the_holder_of_the_key_alone(self, provider, bound, holder, browser):
        token = bound.redeem(bound.code(browser), browser=caller(provider, holder)).json["access_token"]
        assert userinfo(caller(provider, holder), token).status_code == 200
        for thief in (caller(provider), caller(provider, self_signed()), caller(provider, holder, address="::1")):
            answer = userinfo(thief, token)
            assert answer.status_code == 401
            assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]

    @requirement("RFC 8705", "3.4", "MUST")
    @requirement("FAPI 2.0 SP", "5.3.2.1", "MUST")
    def test_without_a_certificate_this_client_gets_no_token(self, provider, bound, holder, browser):
        code = bound.code(browser)
        answer = bound.redeem(code)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
        assert bound.redeem(code, browser=caller(provider, holder)).status_code == 200, "and the code is not lost"

    def test_a_proof_does_not_take_the_place_of_the_certificate(self, provider, bound, holder, browser):
        """A token has one confirmation, and this client registered which."""
        proof = bound.proof("POST", "/token", htu=f"{ALIAS}/token")
        answer = bound.redeem(bound.code(browser), dpop=proof, browser=caller(provider, holder))
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")

    @requirement("FAPI 2.0 SP", "5.3.2.1", "MUST")
    def test_a_fapi_client_may_bind_by_its_certificate_in_place_of_dpop(self, provider, holder, browser):
        agency = provider.agency(
            "fapi", prajak_profile="fapi2-security", tls_client_certificate_bound_access_tokens=True
        )
        url = agency.pushed_url()
        code = agency.walk(browser, browser.get(url)).location.split("code=")[1].split("&")[0]
        token = agency.redeem(code, browser=caller(provider, holder)).json["access_token"]
        assert userinfo(caller(provider, holder), token).status_code == 200

    @requirement("RFC 8705", "3.4", "MAY")
    def test_a_client_that_did_not_register_it_gets_what_it_registered(self, provider, agency, holder, browser):
        token = agency.redeem(agency.code(browser), browser=caller(provider, holder)).json["access_token"]
        assert "cnf" not in claims_of(token)
        assert userinfo(caller(provider), token).status_code == 200

    @requirement("RFC 9449", "4.3", "MUST")
    def test_at_the_alias_a_proof_names_the_alias(self, provider, agency, holder, browser):
        """Its htu is where the request really went."""
        code, client = agency.code(browser), caller(provider, holder)
        elsewhere = agency.redeem(code, dpop=agency.proof("POST", "/token"), browser=client)
        assert elsewhere.json["error"] == "invalid_dpop_proof"
        proof = agency.proof("POST", "/token", htu=f"{ALIAS}/token")
        assert agency.redeem(code, dpop=proof, browser=client).json["token_type"] == "DPoP"


class TestDiscovery:
    """Sections 3.3 and 5."""

    @requirement("RFC 8705", "5", "MUST")
    @requirement("RFC 8705", "3.3", "MAY")
    def test_every_endpoint_that_takes_a_client_has_its_alias(self, provider):
        metadata = metadata_of(provider)
        aliases = metadata["mtls_endpoint_aliases"]
        assert aliases["token_endpoint"] == f"{ALIAS}/token"
        assert {"pushed_authorization_request_endpoint", "userinfo_endpoint"} < set(aliases)
        assert all(
            metadata[name].removeprefix(metadata["issuer"]) == url.removeprefix(ALIAS) for name, url in aliases.items()
        )
        assert "authorization_endpoint" not in aliases, "browsers are never asked for a certificate"
        assert metadata["tls_client_certificate_bound_access_tokens"] is True
        assert {"tls_client_auth", "self_signed_tls_client_auth"} < set(
            metadata["token_endpoint_auth_methods_supported"]
        )

    @pytest.mark.parametrize(
        ("unset", "left"),
        [({"mtls_url": ""}, set()), ({"mtls_trust": None}, {"self_signed_tls_client_auth"})],
        ids=["without a listener", "without an authority"],
    )
    def test_only_what_works_is_promised(self, ground, unset, left):
        provider = Provider(replace(ground, settings=replace(ground.settings, **unset)), Keystore(ground))
        metadata = metadata_of(provider)
        assert {each for each in metadata["token_endpoint_auth_methods_supported"] if "tls" in each} == left
        assert ("mtls_endpoint_aliases" in metadata) == ("tls_client_certificate_bound_access_tokens" in metadata)
        assert ("mtls_endpoint_aliases" in metadata) == bool(left)

    def test_without_a_listener_no_header_is_believed(self, ground):
        provider = Provider(replace(ground, settings=replace(ground.settings, mtls_url="")), Keystore(ground))
        holder = self_signed()
        method = {"token_endpoint_auth_method": "self_signed_tls_client_auth"}
        agency = provider.agency("self-signed", jwks={"keys": [holder.jwk]}, **method)
        answer = agency.redeem("any", browser=caller(provider, holder))
        assert answer.json["error"] == "invalid_client"


OVER = issue("CN=Yesterday", x509.BasicConstraints(ca=True, path_length=0), not_after=NOW - timedelta(days=1))


@pytest.mark.parametrize(
    ("trusted", "state", "finding"),
    [(AUTHORITY, "ok", f"{ALIAS}, 1 authorities"), (OVER, "broken", "expired: CN=Yesterday")],
)
def test_the_doctor_says_what_is_served_and_which_authority_is_over(ground, tmp_path, trusted, state, finding):
    settings = replace(ground.settings, mtls_trust=trusted.write(tmp_path, "trusted"))
    found = check_mtls(Provider(replace(ground, settings=settings), Keystore(ground)))
    assert (found.state, found.finding) == (state, finding)
