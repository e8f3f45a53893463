"""A person is erased whole, by two people; what is left names nobody, breaks no page, and survives a restore."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from flask import Flask
from sqlalchemy import LargeBinary, String, Text, insert, select

from core.audit import AuditEntry
from core.database import Database
from core.identifiers import new_id
from core.outbox import OutboxMessage
from core.settings import Settings
from enrollment.account import PersonAttributes
from enrollment.evidence.contact import Contact
from enrollment.letters import RAISED
from enrollment.models import Passkey, ProofingCase
from idp.app import METADATA, Signing, build, own_metadata, person_erasure, signing_officers
from idp.command.doctor import check_erasures
from idp.composition import Provider, compose
from idp.erasure import PersonErasure
from idp.interaction.session import Session
from idp.own_clients import register_own_client
from idp.sandbox.seed import seed
from keys import two_person
from keys.data_key import DESK, Owner, WrappedKey
from keys.errors import KeystoreError, NotAgreed
from keys.two_person import Act
from signing.models.credential import SigningCredential
from signing.models.document import SigningDocument
from tests.backends import EMBEDDED, backend_of
from tests.browser_client import BrowserClient
from tests.idp.provider import CHALLENGE, VERIFIER
from tests.signing.workshop import plain_pdf


@dataclass
class Running:
    """A seeded sandbox with all its pages."""

    provider: Provider
    app: Flask
    erasure: PersonErasure
    clients: dict[str, dict[str, str]]

    @property
    def database(self) -> Database:
        return self.provider.ground.database

    def id_of(self, name: str) -> str:
        found = self.provider.accounts.find_by_name(name)
        assert found is not None
        return found

    def browser(self, name: str = "") -> BrowserClient:
        client = self.app.test_client()
        assert isinstance(client, BrowserClient)
        if name:
            walk(client, client.get("/me"), name)
        return client

    def agree(self, account_id: str) -> None:
        clock = self.provider.ground.clock
        self.erasure.ask(account_id, by="first", reason="asked by letter")
        with self.database.write() as connection:
            asked = two_person.load_open(connection, Act.ERASE_PERSON, account_id)
            assert asked is not None
            two_person.agree(connection, clock, asked, by="second")

    def erase(self, account_id: str) -> None:
        self.agree(account_id)
        self.erasure.erase(account_id, actor="second")

    def tokens(self, browser: BrowserClient, name: str) -> dict[str, str]:
        """What `demo-basic` gets for this person."""
        client = self.clients["demo-basic"]
        asked = {"client_id": "demo-basic", "response_type": "code", "redirect_uri": client["redirect_uris"][0]}
        asked |= {"scope": "openid profile offline_access", "state": "s", "nonce": "n", "prompt": "consent"}
        asked |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
        answer = walk(browser, browser.get(f"/authorize?{urlencode(asked)}"), name)
        code = dict(parse_qsl(urlsplit(str(answer.location)).query))["code"]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": client["redirect_uris"][0]}
        got = self.post(browser, "/token", form | {"code_verifier": VERIFIER})
        assert got.status_code == 200, got.text
        return dict(got.json)

    def post(self, browser, path, form):
        secret = self.clients["demo-basic"]["client_secret"]
        basic = b64encode(f"demo-basic:{secret}".encode()).decode()
        return browser.post(path, data=form, headers={"Authorization": f"Basic {basic}"})


def walk(browser, answer, name):
    """Does what the pages ask for, as this person."""
    for _ in range(10):
        location = str(answer.location or "")
        if answer.status_code not in (302, 303) or not location.startswith(("/", "http://localhost:8080/")):
            return answer
        if "/interaction/" not in location:
            answer = browser.get(location)
            continue
        text = browser.get(location).text
        if "sandbox-sign-in" in text:
            answer = browser.submit(location, {"step": "sandbox", "user": name})
        elif "consent-allow" in text:
            answer = browser.submit(location, {"step": "consent", "decision": "allow"})
        else:
            answer = browser.get(location)
    raise AssertionError("the loop does not end")


@pytest.fixture(scope="module")
def settings_of(tmp_path_factory) -> Iterator[Settings]:
    folder = tmp_path_factory.mktemp("erasure")
    with backend_of(EMBEDDED, folder) as made:
        yield Settings(
            issuer="http://localhost:8080",
            rp_id="localhost",
            database_url=made.database_url,
            keys_url=f"file:{folder}/keys",
            sandbox=True,
            data_dir=folder,
        )


@pytest.fixture(scope="module")
def running(settings_of) -> Iterator[Running]:
    provider = compose(settings_of)
    register_own_client(provider, own_metadata(provider))
    facts = seed(provider, signing_officers(provider), persons=0)
    app = build(provider)
    app.test_client_class = BrowserClient
    clients = {each["client_id"]: each for each in facts["clients"]}
    yield Running(provider, app, person_erasure(provider), clients)
    provider.close()


@pytest.fixture(scope="module")
def backup(running, settings_of) -> Path:
    """The database as it was before anybody was erased."""
    path = settings_of.data_dir / "backup.db"
    with sqlite3.connect(settings_of.data_dir / "test.db") as source, sqlite3.connect(path) as target:
        source.backup(target)
    source.close()
    target.close()
    return path


@pytest.fixture(scope="module")
def erased(running, backup) -> dict[str, object]:
    """Somchai, with all that a person can have, and then nothing."""
    browser, account_id = running.browser("somchai"), running.id_of("somchai")
    tokens = running.tokens(browser, "somchai")
    notices, accounts = running.provider.enrolment.notices, running.provider.accounts
    key = accounts.key(account_id)
    with running.database.write() as connection:
        notices.tell(connection, key, Contact("email", "somchai@people.example"), RAISED, ial="2.1")
    attributes = accounts.attributes(account_id)
    running.erase(account_id)
    return {"account_id": account_id, "browser": browser, "tokens": tokens, "attributes": attributes, "key": key}


def rows_with(database: Database, value: str) -> list[str]:
    """Every column of every table in which this text stands."""
    found = []
    with database.read() as connection:
        for table in METADATA.sorted_tables:
            texts = [each for each in table.columns if isinstance(each.type, String | Text)]
            for column in texts:
                query = select(table).where(column.contains(value, autoescape=True)).limit(1)
                if connection.execute(query).first() is not None:
                    found.append(f"{table.name}.{column.name}")
    return found


def test_nobody_is_erased_unless_two_people_agree(running):
    account_id = running.id_of("user0")
    with pytest.raises(NotAgreed):
        running.erasure.erase(account_id, actor="first")
    running.erasure.ask(account_id, by="first", reason="asked by letter")
    with pytest.raises(NotAgreed):
        running.erasure.erase(account_id, actor="first")
    assert running.provider.accounts.is_active(account_id)


def test_what_was_known_of_them_is_known_no_more(running, erased):
    accounts, account_id = running.provider.accounts, str(erased["account_id"])
    assert erased["attributes"].given_name_th
    assert accounts.attributes(account_id) == PersonAttributes()
    assert accounts.identity(account_id) is None
    assert accounts.key(account_id).is_erased
    assert accounts.find_by_citizen_number(erased["attributes"].citizen_number) is None
    assert accounts.find_by_name("somchai") is None


def test_their_account_is_named_where_something_must_be_accounted_for_and_nowhere_else(running, erased):
    assert set(rows_with(running.database, str(erased["account_id"]))) == {
        "account.id",
        "audit_entry.actor",
        "audit_entry.subject",
        "erasure.account_id",
        "identity.account_id",
        "issued_token.account_id",  # revoked, and purged within minutes
        "proofing_case.account_id",
        "two_person_approval.subject",
    }


def test_nothing_that_was_sealed_for_them_is_left_nor_would_it_open(running, erased):
    """Their data key, kept by this test as a thief might have kept it wrapped, is nowhere in the database."""
    account_id, stolen = str(erased["account_id"]), erased["key"].wrapped
    with running.database.read() as connection:
        for table in METADATA.sorted_tables:
            for column in table.columns:
                if isinstance(column.type, LargeBinary):
                    assert connection.execute(select(column).where(column == stolen)).first() is None
        assert connection.execute(select(Passkey).where(Passkey.account_id == account_id)).first() is None
        assert connection.execute(select(OutboxMessage).where(OutboxMessage.account_id == account_id)).first() is None
        case = select(ProofingCase.contact, ProofingCase.codes, ProofingCase.citizen_index)
        for row in connection.execute(case.where(ProofingCase.account_id == account_id)):
            assert tuple(row) == (None, None, None)


def test_agencies_are_told_and_their_tokens_are_worth_nothing(running, erased):
    browser, tokens = running.browser(), erased["tokens"]
    answer = browser.get("/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert answer.status_code == 401
    refreshed = running.post(
        browser, "/token", {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    )
    assert (refreshed.status_code, refreshed.json["error"]) == (400, "invalid_grant")
    for kind in ("access_token", "refresh_token"):
        looked = running.post(browser, "/introspect", {"token": tokens[kind]})
        assert looked.json.get("active") is not True
        assert looked.status_code < 500


@pytest.mark.parametrize("path", ["/", "/me", "/me/activity", "/me/devices", "/officer", "/sign", "/console"])
def test_their_browser_is_signed_out_everywhere_without_an_error(running, erased, path):
    answer = erased["browser"].get(path)
    assert answer.status_code in (200, 302, 303, 403, 404)
    assert "สมชาย" not in answer.text


def test_nobody_signs_in_as_them(running, erased):
    browser = running.browser()
    location = str(browser.get("/me").location)
    page = browser.get(location).text
    assert 'value="malee"' in page
    assert 'value="somchai"' not in page
    answer = browser.submit(location, {"step": "sandbox", "user": "somchai"})
    assert answer.status_code < 500
    with running.database.read() as connection:
        assert connection.execute(select(Session).where(Session.account_id == erased["account_id"])).first() is None


def test_an_officer_who_opens_their_case_finds_no_name_and_no_error(running, erased):
    with running.database.read() as connection:
        mine = (ProofingCase.account_id == erased["account_id"], ProofingCase.journey == "review")
        case_id = connection.execute(select(ProofingCase.id).where(*mine)).scalars().first()
    officer = running.browser("officer-busaba")
    for path in ("/officer", f"/officer/cases/{case_id}"):
        answer = officer.get(path)
        assert answer.status_code in (200, 303, 404), answer.text
        assert "สมชาย" not in answer.text


def test_the_trail_says_that_it_was_done_by_whom_and_on_whose_agreement(running, erased):
    with running.database.read() as connection:
        query = select(AuditEntry.actor, AuditEntry.detail).where(
            AuditEntry.event == "person.erased", AuditEntry.subject == erased["account_id"]
        )
        actor, detail = connection.execute(query).one()
    assert actor == "second"
    known = {each.account_id: each.approval for each in running.provider.trust.erasures.known()}
    assert json.loads(detail) == {"approval": known[str(erased["account_id"])]}


def test_they_are_erased_once(running, erased):
    with pytest.raises(Exception, match="There is no such account, or it was erased already"):
        running.erasure.ask(str(erased["account_id"]), by="first", reason="again")


def test_the_citizen_can_have_an_account_again_and_it_is_another(running, erased):
    accounts, number = running.provider.accounts, erased["attributes"].citizen_number
    account_id = accounts.create(PersonAttributes(citizen_number=number))
    assert account_id != erased["account_id"]
    assert accounts.find_by_citizen_number(number) == account_id


def test_an_officer_is_erased_and_what_they_signed_stays(running):
    account_id, credentials = running.id_of("officer-anan"), Signing(running.provider).credentials
    sub = running.erasure._desk_sub(account_id)
    assert sub
    with running.database.read() as connection:
        mine = select(SigningCredential.__table__).where(SigningCredential.sub == sub)
        credential = connection.execute(mine).mappings().one()
    documents = documents_of(running, sub, credential["id"])
    running.erase(account_id)
    after = credentials.load(credential["id"])
    assert after.status == "revoked"
    assert after.name_th == credential["name_th"]
    with running.database.read() as connection:
        left = connection.execute(select(SigningDocument.id, SigningDocument.title_sealed)).all()
        assert [tuple(each) for each in left] == [(documents["signed"], b"")]
        assert connection.execute(select(WrappedKey).where(WrappedKey.owner_kind == DESK)).first() is None
    folder = running.provider.ground.settings.data_dir / "documents"
    assert not (folder / documents["uploaded"]).exists()
    reference = f"REF{documents['signed'][:17]}"
    assert running.browser().get(f"/verify/{reference}").status_code < 500


def documents_of(running: Running, sub: str, credential_id: str) -> dict[str, str]:
    """One that is signed and one that is not."""
    key = running.provider.trust.envelope.ensure_key(Owner(DESK, sub))
    now, made = running.provider.ground.clock.now(), {state: new_id() for state in ("signed", "uploaded")}
    folder = running.provider.ground.settings.data_dir / "documents"
    with running.database.write() as connection:
        for state, document_id in made.items():
            (folder / document_id).mkdir(parents=True)
            (folder / document_id / "uploaded.pdf").write_bytes(plain_pdf())
            row = {"id": document_id, "sub": sub, "state": state, "reference": f"REF{document_id[:17]}"}
            row |= {"title_sealed": key.seal("หนังสือ.pdf".encode(), aad=f"signing-document:{document_id}")}
            row |= {"length": 1, "document_hash": b"h" * 32, "facts": "[[[595, 842]], [], 0]", "created_at": now}
            row |= {"updated_at": now, "credential_id": credential_id if state == "signed" else None}
            row |= {"signed_at": now, "result_hash": b"r" * 32} if state == "signed" else {}
            connection.execute(insert(SigningDocument), row)
    return made


# ------------------------------------------------------------ a backup of before is restored


@pytest.fixture
def restored(running, erased, backup, settings_of, tmp_path) -> Iterator[Provider]:
    """The same keys and the same data directory, and the database of before."""
    running.provider.trust.erasures.keep_list()
    path = tmp_path / "restored.db"
    shutil.copyfile(backup, path)
    provider = compose(replace(settings_of, database_url=f"sqlite:///{path}"))
    yield provider
    provider.close()


def test_who_was_erased_stays_erased_after_a_restore(restored, erased):
    account_id = str(erased["account_id"])
    assert restored.accounts.attributes(account_id) == erased["attributes"]  # the backup brought them back
    finding = check_erasures(restored)
    assert (finding.state, finding.mend) == ("broken", "prajak person erase-again")
    erasure = person_erasure(restored)
    assert erasure.again(restored.trust.erasures.listed(), actor="command") >= 1
    assert restored.accounts.attributes(account_id) == PersonAttributes()
    assert check_erasures(restored).state == "ok"
    assert erasure.again(restored.trust.erasures.listed(), actor="command") == 0


def test_the_list_never_forgets_what_the_restored_database_does_not_know(restored, erased):
    before = restored.trust.erasures.listed()
    assert restored.trust.erasures.known() == []
    restored.trust.erasures.keep_list()
    assert restored.trust.erasures.listed() == before


def test_a_list_that_somebody_wrote_erases_nobody(restored, running, tmp_path):
    """Or whoever has the shell could erase anybody alone."""
    victim, path = restored.accounts.find_by_name("malee"), tmp_path / "list"
    line = restored.trust.erasures.listed()[0].line
    for forged in (
        re.sub(r'"account": "[^"]+"', f'"account": "{victim}"', line),
        re.sub(r'"proof": "[^"]+"', '"proof": ""', line),
        "{}",
        "[1]",
        "nonsense",
    ):
        path.write_text(f"{line}\n{forged}\n", encoding="utf-8")
        with pytest.raises(KeystoreError, match="line 2"):
            restored.trust.erasures.listed(path)
    assert restored.accounts.is_active(victim or "")


def test_an_erasure_that_breaks_leaves_all_as_it_was(running, monkeypatch):
    account_id, accounts = running.id_of("user1"), running.provider.accounts
    before = accounts.attributes(account_id)
    running.agree(account_id)

    def broken(*_arguments, **_named):
        raise OSError("the disk is full")

    monkeypatch.setattr(running.provider.trust.erasures, "record", broken)
    with pytest.raises(OSError, match="full"):
        running.erasure.erase(account_id, actor="second")
    monkeypatch.undo()
    assert accounts.attributes(account_id) == before
    assert accounts.is_active(account_id)
    running.erasure.erase(account_id, actor="second")  # the agreement was not spent
    assert accounts.attributes(account_id) == PersonAttributes()


def test_who_is_erased_in_the_middle_of_a_step_is_erased_and_the_step_is_lost(running):
    """The officer's page was open: what it writes finds another version, and no key to write with."""
    accounts, cases = running.provider.accounts, running.provider.enrolment.cases
    account_id = running.id_of("user2")
    with running.database.read() as connection:
        case_id = connection.execute(select(ProofingCase.id).where(ProofingCase.account_id == account_id)).scalar_one()
    case, key = cases.load(case_id), accounts.key(account_id)
    running.erase(account_id)
    with running.database.write() as connection:
        accounts.update(connection, key, PersonAttributes(email="late@people.example"))
    assert accounts.attributes(account_id) == PersonAttributes()
    assert case is not None
    assert cases.load(case_id).version == case.version + 1
