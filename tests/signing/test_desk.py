"""The officer's way through the desk, by its pages, with a provider behind its protocol."""

from __future__ import annotations


def test_an_officer_signs_a_document(officer, letter):
    page = officer.document(letter)
    assert officer.browser.get(page).status_code == 200
    done = officer.signs(page)
    assert done.location == page
    assert "ลงลายมือชื่อในเอกสารแล้ว" in officer.browser.get(page).text
    signed = officer.browser.get(f"{page}/signed.pdf").data
    assert signed.startswith(letter)
