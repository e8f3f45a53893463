"""Journey 1, steps 1: a citizen enrols, page by page, without a browser engine."""

from __future__ import annotations

from core.assurance import AAL, IAL
from enrollment.civil_registry.fictional_people import FictionalPerson
from tests.enrollment.citizen import EMAIL, Citizen
from tests.enrollment.conftest import Provider


def test_a_citizen_enrolls_from_the_notice_to_a_signed_in_account(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    codes = citizen.enrolls(return_to="/authorize/abc")
    assert len(set(codes)) == 8
    identity = provider.services.accounts.identity(citizen.account_id)
    assert identity is not None
    assert identity.ial == IAL.IAL1_3
    assert identity.unverified_mapping
    attributes = provider.services.accounts.attributes(citizen.account_id)
    assert (attributes.given_name_th, attributes.citizen_number) == (person.given_name_th, person.citizen_number)
    assert attributes.email == EMAIL
    assert [each.aal for each in provider.signed_in] == [AAL.AAL2]
    assert b'href="/authorize/abc"' in citizen.browser.get("/enroll/done").data
