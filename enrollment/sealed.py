"""Every sealed column of this room. All are under the data key of the person: who erases the key has erased them."""

from __future__ import annotations

from typing import cast

from sqlalchemy import Table

from core.sealed_column import SealedColumn
from enrollment.models import Account, CivilIdentifier, Decision, Evidence, ProofingCase

PERSON = "the person"

ATTRIBUTES = SealedColumn(cast("Table", Account.__table__), "attributes", "account:{id}:attributes", PERSON)
CITIZEN_NUMBER_SEALED = SealedColumn(
    cast("Table", CivilIdentifier.__table__), "ciphertext", "account:{account_id}:citizen-number", PERSON
)
CONTACT = SealedColumn(cast("Table", ProofingCase.__table__), "contact", "case:{id}:contact", PERSON)
CODES = SealedColumn(cast("Table", ProofingCase.__table__), "codes", "case:{id}:codes", PERSON)
EVIDENCE = SealedColumn(cast("Table", Evidence.__table__), "attributes", "case:{case_id}:evidence:{id}", PERSON)
REASON = SealedColumn(cast("Table", Decision.__table__), "reason", "case:{case_id}:reason", PERSON)
