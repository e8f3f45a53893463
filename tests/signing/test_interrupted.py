"""A signature that a dying worker left, and two workers at one document: completed once, without asking again."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import pytest

from signing import csc
from signing.documents import State
from signing.errors import LevelNotReached
from signing.signing_act import BUSY, SigningAct
from tests.signing.looking import state_of


def test_a_signature_that_was_interrupted_is_completed_without_asking_again(
    officer, letter, services, double, monkeypatch
):
    page = officer.document(letter)
    values = []

    def fails(*given, **named):
        signer = named["signer"]
        values.append(signer.made)
        raise LevelNotReached("the time-stamp authority is away")

    with monkeypatch.context() as away:
        away.setattr(csc.sign_doc, "finish", fails)
        assert officer.signs(page).location == f"{page}?notice=not-completed"
    assert state_of(services, page) is State.AUTHORIZED
    assert "complete" in officer.browser.get(page).text
    asked = len(double.pushed)
    assert officer.browser.submit(f"{page}/complete").location == page
    assert state_of(services, page) is State.SIGNED
    assert len(double.pushed) == asked


def test_the_key_signs_once_even_when_completing_is_tried_again(officer, letter, services, monkeypatch):
    """The value that the key made before the crash is the one in the file."""
    page = officer.document(letter)
    real = csc.sign_doc.finish

    def after_the_key(*given, **named):
        real(*given, **named)
        raise LevelNotReached("the disk is full")

    with monkeypatch.context() as full:
        full.setattr(csc.sign_doc, "finish", after_the_key)
        officer.signs(page)
    document_id = page.rsplit("/", 1)[1]
    made = services.documents.load_any(document_id).signature_value
    assert made is not None
    officer.browser.submit(f"{page}/complete")
    assert services.documents.load_any(document_id).signature_value == made
    assert made.hex() in officer.downloads(f"{page}/signed.pdf").decode("latin-1").lower()


def test_a_job_completes_what_a_dead_worker_left(officer, letter, services, monkeypatch, clock):
    page = officer.document(letter)
    with monkeypatch.context() as dying:
        dying.setattr(SigningAct, "complete", lambda *_given: False)
        officer.signs(page)
    assert state_of(services, page) is State.AUTHORIZED
    clock.advance(BUSY + timedelta(seconds=1))
    SigningAct(services).complete_interrupted()
    assert state_of(services, page) is State.SIGNED


def test_an_authorization_nobody_completed_in_time_is_worth_nothing(officer, letter, services, monkeypatch, clock):
    page = officer.document(letter)
    with monkeypatch.context() as dying:
        dying.setattr(SigningAct, "complete", lambda *_given: False)
        officer.signs(page)
    clock.advance(timedelta(minutes=20))
    SigningAct(services).complete_interrupted()
    assert state_of(services, page) is State.UPLOADED


@pytest.mark.both_backends
def test_of_two_workers_that_complete_at_once_one_does(officer, letter, services, monkeypatch, clock):
    page = officer.document(letter)
    with monkeypatch.context() as dying:
        dying.setattr(SigningAct, "complete", lambda *_given: False)
        officer.signs(page)
    start, done = Barrier(2), []

    def work():
        start.wait()
        done.append(SigningAct(services).complete(page.rsplit("/", 1)[1]))

    workers = [Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(done) == [False, True]
    assert state_of(services, page) is State.SIGNED
