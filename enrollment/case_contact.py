"""Where a case's person is reached: sealed in the case, and where its confirmation codes go."""

from __future__ import annotations

import json

from sqlalchemy import Connection, update

from enrollment import letters
from enrollment.confirmation_code import NewCode
from enrollment.evidence.contact import Contact
from enrollment.models import ProofingCase
from enrollment.proofing import Case, CaseStore, StepTaken
from enrollment.sealed import CONTACT
from enrollment.services import EnrolmentServices
from enrollment.webauthn_authentication import origin_of


def sealed_contact(cases: CaseStore, case: Case, contact: Contact) -> bytes:
    return cases.seal(case, json.dumps([contact.channel, contact.address]).encode(), CONTACT)


def contact_of_case(cases: CaseStore, case: Case) -> Contact:
    """Raises StepTaken where none is known (any more)."""
    if case.contact is None:
        raise StepTaken
    channel, address = json.loads(cases.open(case, case.contact, CONTACT))
    return Contact(channel, address)


def keep_contact(connection: Connection, cases: CaseStore, case: Case, contact: Contact) -> None:
    """In the transaction in which the case begins with a contact that is known already."""
    sealed = sealed_contact(cases, case, contact)
    connection.execute(update(ProofingCase).where(ProofingCase.id == case.id).values(contact=sealed))


def send_code(connection: Connection, services: EnrolmentServices, case: Case, contact: Contact, made: NewCode) -> None:
    """A new code in the caller's transaction: it goes out exactly when the step was taken."""
    services.codes.issue(connection, case, made)
    minutes = int(services.ground.settings.confirmation_code_lifetime.total_seconds() // 60)
    host = origin_of(services.ground).partition("://")[2].partition(":")[0]
    letter = letters.confirmation_code(made.text, minutes=minutes, channel=contact.channel, host=host)
    services.notices.send(connection, case.key, contact, letter)
