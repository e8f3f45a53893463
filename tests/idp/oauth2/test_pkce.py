"""RFC 7636, with the example of its Appendix B."""

from __future__ import annotations

import pytest

from idp.errors import InvalidGrant, InvalidRequest
from idp.oauth2.pkce import check_code_challenge, check_code_verifier, s256
from tests.protocol.requirement import requirement

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@requirement("RFC 7636", "4.6", "MUST")
@requirement("RFC 7636", "4.2", "MUST")
def test_the_verifier_of_appendix_b_makes_and_opens_its_challenge():
    assert s256(VERIFIER) == CHALLENGE
    check_code_verifier(VERIFIER, CHALLENGE)


@pytest.mark.parametrize("method", [None, "plain", "s256", "S256 "])
@requirement("RFC 7636", "7.2", "SHOULD NOT")
@requirement("RFC 9700", "2.1.1", "SHOULD")
def test_only_s256_is_accepted(method):
    with pytest.raises(InvalidRequest, match="S256"):
        check_code_challenge(CHALLENGE, method)


@pytest.mark.parametrize(
    "challenge", [None, "", CHALLENGE[:-1], CHALLENGE + "A", CHALLENGE[:-1] + "=", CHALLENGE + "\n"]
)
@requirement("RFC 7636", "4.2", "MUST")
def test_a_challenge_is_43_base64url_characters(challenge):
    with pytest.raises(InvalidRequest, match="43"):
        check_code_challenge(challenge, "S256")


@pytest.mark.parametrize("verifier", [None, "", VERIFIER[:-1], "a" * 129, VERIFIER + "\n", VERIFIER[:-1] + "ก"])
@requirement("RFC 7636", "4.1", "MUST")
def test_a_verifier_is_43_to_128_unreserved_characters(verifier):
    with pytest.raises(InvalidGrant, match="43"):
        check_code_verifier(verifier, CHALLENGE)


@requirement("RFC 7636", "4.6", "MUST")
def test_another_verifier_does_not_open_it():
    with pytest.raises(InvalidGrant, match="does not match"):
        check_code_verifier("a" * 43, CHALLENGE)


@requirement("RFC 9700", "4.8.2", "MUST")
@requirement("RFC 9700", "2.1.1", "MUST")
def test_a_verifier_without_a_challenge_is_a_downgrade():
    """RFC 9700 section 4.8.2."""
    with pytest.raises(InvalidGrant, match="no code_challenge"):
        check_code_verifier(VERIFIER, "")
