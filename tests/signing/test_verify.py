"""The public verifier: its page, its API as the contract has it, and the pages behind the QR codes."""

from __future__ import annotations

from io import BytesIO

import pytest

from signing.documents import grouped_reference, typed_reference


@pytest.fixture
def anyone(desk_app):
    return desk_app.test_client()


def posted(content, name="letter.pdf"):
    return {"file": (BytesIO(content), name)}


@pytest.fixture
def signed(officer, letter):
    page = officer.document(letter)
    officer.signs(page)
    return officer.downloads(f"{page}/signed.pdf")


def test_the_api_answers_as_the_contract_says(anyone, signed):
    answer = anyone.post("/api/verify", data=posted(signed)).json
    assert answer["file"] == "letter.pdf"
    (signature,) = answer["signatures"]
    assert set(signature) >= {
        "field", "indication", "subindication", "level", "signer", "signing_time", "covers_whole_document",
        "modification", "timestamps", "reasons",
    }  # fmt: skip
    assert signature["indication"] == "TOTAL-PASSED"


def test_the_page_says_in_plain_thai_who_signed_and_that_nothing_was_changed(anyone, signed):
    shown = anyone.submit("/verify", posted(signed)).text
    assert "ลายมือชื่อในเอกสารนี้สมบูรณ์" in shown
    assert "อนันต์ ทดสอบ เป็นผู้ลงลายมือชื่อ" in shown
    assert "Prajak Sandbox Root CA" in shown


def test_the_page_says_it_in_english_too(anyone, signed):
    anyone.set_cookie("prajak-lang", "en", domain="localhost")
    shown = anyone.submit("/verify", posted(signed)).text
    assert "The signature in this document is valid" in shown


def test_a_changed_document_is_red(anyone, signed):
    changed = signed.replace(b"A letter of the department", b"A letter of the devilment!")
    shown = anyone.submit("/verify", posted(changed)).text
    assert "อย่าเชื่อถือเอกสารนี้" in shown
    assert anyone.post("/api/verify", data=posted(changed)).json["signatures"][0]["indication"] == "TOTAL-FAILED"


def test_a_document_without_a_signature_says_so(anyone, letter):
    assert "เอกสารนี้ไม่มีลายมือชื่ออิเล็กทรอนิกส์" in anyone.submit("/verify", posted(letter)).text
    assert anyone.post("/api/verify", data=posted(letter)).json["signatures"] == []


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({}, 400),
        ({"file": "not a file"}, 400),
        (posted(b""), 400),
        (posted(b"no PDF at all"), 400),
        (posted(b"%PDF-1.4\n% cut"), 400),
    ],
)
def test_bad_input_to_the_api_is_a_4xx_as_json(anyone, data, status):
    response = anyone.post("/api/verify", data=data)
    assert response.status_code == status
    assert set(response.json) >= {"error", "error_description"}


def test_bad_input_to_the_page_is_told_beside_the_field(anyone):
    for data in ({}, posted(b"no PDF at all")):
        response = anyone.submit("/verify", data)
        assert response.status_code == 400
        assert 'id="file-error"' in response.text


def test_an_encrypted_document_is_refused_as_such(anyone, letter):
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.pdf_utils.writer import copy_into_new_writer

    writer = copy_into_new_writer(PdfFileReader(BytesIO(letter)))
    writer.encrypt("secret", "secret")
    out = BytesIO()
    writer.write(out)
    response = anyone.post("/api/verify", data=posted(out.getvalue()))
    assert response.status_code == 400
    assert "ร" in response.json["error_description"]
    assert "password" not in response.json["error_description"]


def test_a_file_that_is_too_large_is_a_413_as_json(anyone, services, monkeypatch, letter):
    monkeypatch.setattr(services.files, "limit", 100)
    response = anyone.post("/api/verify", data=posted(letter))
    assert response.status_code == 413
    assert response.json["error"]


def test_nothing_that_was_sent_is_kept(anyone, services, letter):
    anyone.submit("/verify", posted(letter))
    assert list(services.files.folder.glob("**/*")) == []


def test_somebody_who_sends_file_after_file_is_asked_to_wait(anyone):
    answers = [anyone.post("/api/verify") for _ in range(31)]
    assert answers[29].status_code == 400
    assert answers[30].status_code == 429
    assert answers[30].headers["Retry-After"] == "60"


# ---------------------------------------------------------------- the QR code's page


def reference_of(services, page):
    return services.documents.load_any(page.rsplit("/", 1)[1]).reference


def test_the_reference_of_a_signed_document_says_what_to_compare(officer, letter, services, anyone):
    page = officer.document(letter)
    officer.signs(page)
    shown = anyone.get(f"/verify/{reference_of(services, page)}").text
    assert "หนังสือ.pdf" in shown
    assert "อนันต์ ทดสอบ" in shown
    assert "ฉบับกระดาษเพียงอย่างเดียวใช้พิสูจน์ไม่ได้" in shown


def test_a_document_that_is_not_signed_yet_has_no_public_page(officer, letter, services, anyone):
    page = officer.document(letter)
    response = anyone.get(f"/verify/{reference_of(services, page)}")
    assert response.status_code == 404
    assert "หนังสือ" not in response.text


def test_a_reference_is_taken_as_people_type_it(officer, letter, services, anyone):
    page = officer.document(letter)
    officer.signs(page)
    reference = reference_of(services, page)
    typed = grouped_reference(reference).lower().replace("1", "l").replace("0", "o")
    response = anyone.get("/verify", query_string={"reference": f" {typed} "})
    assert response.location == f"/verify/{reference}"


def test_a_reference_is_five_groups_of_four():
    assert grouped_reference("7K3MQ2XW91HTB8ZD4VRC") == "7K3M-Q2XW-91HT-B8ZD-4VRC"
    assert typed_reference("7k3m-q2xw–9lht b8zd-4vrc") == "7K3MQ2XW91HTB8ZD4VRC"


@pytest.mark.parametrize("reference", ["x", "ก", "%00", "a" * 300, "..%2f..", "7K3M-Q2XW"])
def test_an_unknown_reference_is_a_404_that_says_what_to_do(anyone, reference):
    response = anyone.get(f"/verify/{reference}")
    assert response.status_code in {400, 404}


def test_a_typed_reference_of_other_characters_is_told_beside_its_field(anyone):
    response = anyone.get("/verify?reference=ก/ข")
    assert response.status_code == 400
    assert 'id="reference-error"' in response.text
