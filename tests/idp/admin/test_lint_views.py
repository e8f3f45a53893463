"""The console's security check of one service."""

from __future__ import annotations


def test_a_developer_sees_the_grade_and_what_to_mend(site, developer):
    client_id = site.register(developer)
    page = developer.get(f"/console/clients/{client_id}/check")
    assert page.status_code == 200
    assert "D: several rules do not hold" in page.text
    assert "Push authorization requests" in page.text
    assert "FAPI 2.0 SP 5.3.2.2" in page.text
    assert f'href="/console/clients/{client_id}/check"' in developer.get(f"/console/clients/{client_id}").text


def test_a_strict_service_has_advice_alone(site, developer):
    client_id = site.register(developer, profile="fapi2-security", redirect_uris="https://agency.example/callback")
    page = developer.get(f"/console/clients/{client_id}/check")
    assert "B: the strict profile holds, with advice" in page.text


def test_it_is_told_in_thai(site, developer):
    client_id = site.register(developer)
    developer.set_cookie("prajak-lang", "th", domain="localhost")
    page = developer.get(f"/console/clients/{client_id}/check")
    assert "ตรวจสอบความปลอดภัย" in page.text
    assert "โปรดส่งคำขอผ่าน PAR" in page.text


def test_another_agency_s_service_is_not_shown(site, developer):
    client_id = site.register(developer)
    assert site.browser("dev-boon").get(f"/console/clients/{client_id}/check").status_code == 404
