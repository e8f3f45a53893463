"""What an agency makes of the provider's words, without one."""

import pytest

from demo.agency.provider import claims_parameter, is_sufficient

SANDBOX = "urn:prajak:sandbox:ial1.3:aal2"


@pytest.mark.parametrize(
    ("acr", "wanted"),
    [
        (SANDBOX, SANDBOX),
        ("urn:prajak:sandbox:ial2.1:aal2", SANDBOX),
        ("urn:prajak:sandbox:ial3:aal3", "urn:prajak:sandbox:ial2.3:aal2"),
        ("urn:prajak:ial2.1:aal3", "urn:prajak:ial2.1:aal2"),
    ],
)
def test_a_higher_assurance_answers_for_a_lower_one(acr, wanted):
    assert is_sufficient(acr, wanted=wanted)


@pytest.mark.parametrize(
    ("acr", "wanted"),
    [
        ("urn:prajak:sandbox:ial1.2:aal3", SANDBOX),
        ("urn:prajak:sandbox:ial2.1:aal1", SANDBOX),
        ("urn:prajak:ial2.1:aal2", SANDBOX),
        ("urn:prajak:sandbox:ial2.1:aal2", "urn:prajak:ial1.3:aal2"),
        ("urn:prajak:sandbox:ial2.3:aal2", "urn:prajak:sandbox:ial3:aal2"),
        ("None", SANDBOX),
        (SANDBOX + "\n", SANDBOX),
    ],
)
def test_a_lower_or_another_kind_of_assurance_does_not(acr, wanted):
    assert not is_sufficient(acr, wanted=wanted)


def test_each_claim_is_asked_for_with_its_purpose_in_the_person_s_language():
    office = {"claims": [{"name": "birthdate", "purpose": {"th": "เพื่อตรวจอายุ", "en": "To check the age"}}]}
    asked = claims_parameter(office, "th")["userinfo"]["verified_claims"]
    assert asked["claims"] == {"birthdate": {"purpose": "เพื่อตรวจอายุ"}}
    assert asked["verification"]["trust_framework"] is None
