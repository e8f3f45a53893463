"""Telling the person: a notification to the confirmed address, and the link by which to say "this was not me"."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, insert, select, update

from core import audit
from core.errors import NotFound
from core.ground import Ground
from core.identifiers import hashed, new_secret
from core.outbox import Outbox
from enrollment import letters
from enrollment.account import PersonAttributes
from enrollment.evidence.contact import Contact
from enrollment.models import Account, Repudiation
from enrollment.models.account import AccountStatus
from keys.envelope import DataKey

LINK_LIFETIME = timedelta(days=30)


class Notices:
    def __init__(self, ground: Ground, outbox: Outbox) -> None:
        self.ground = ground
        self.outbox = outbox

    def tell(
        self, connection: Connection, key: DataKey, contact: Contact, what: tuple[str, str], *, ial: str = ""
    ) -> None:
        """Adds the notification to the caller's transaction: it goes out exactly when the act took place. `key` is the
        data key of whom it is about, loaded before.
        """
        token, now, issuer = new_secret(), self.ground.clock.now(), self.ground.settings.issuer
        row = {"token_hash": hashed(token), "account_id": key.owner.id, "expires_at": now + LINK_LIFETIME}
        connection.execute(insert(Repudiation), row)
        thai, english = (text.format(ial=ial) for text in what)
        link = f"{issuer}/enroll/not-me/{token}"
        letter = letters.proofing_notification(thai, english, at=now, link=link, issuer=issuer)
        self.send(connection, key, contact, letter)

    def send(self, connection: Connection, key: DataKey, contact: Contact, letter: letters.Letter) -> None:
        self.outbox.enqueue(
            connection, channel=contact.channel, recipient=contact.address, subject=letter.subject, body=letter.body,
            key=key,
        )  # fmt: skip

    def check_link(self, token: str) -> str:
        """The account whose holder may say so with this link; raises NotFound."""
        living = (Repudiation.token_hash == hashed(token), Repudiation.used_at.is_(None))
        query = select(Repudiation.account_id).where(*living, Repudiation.expires_at > self.ground.clock.now())
        with self.ground.database.read() as connection:
            account_id = connection.execute(query).scalar()
        if account_id is None:
            raise NotFound("This link was used already, or it is older than 30 days.")
        return str(account_id)

    def hold(self, token: str) -> str:
        """Suspends the account, once; returns its id. Only officers end a suspension."""
        account_id, now = self.check_link(token), self.ground.clock.now()
        with self.ground.database.write() as connection:
            living = (Repudiation.token_hash == hashed(token), Repudiation.used_at.is_(None))
            if connection.execute(update(Repudiation).where(*living).values(used_at=now)).rowcount == 1:
                mine = (Account.id == account_id, Account.status == AccountStatus.ACTIVE)
                connection.execute(update(Account).where(*mine).values(status=AccountStatus.SUSPENDED))
                audit.record(
                    connection, self.ground.clock, event="account.repudiated", actor="link", subject=account_id
                )
        return account_id


def contact_of(attributes: PersonAttributes) -> Contact | None:
    """Where an account can be told something: the address that was confirmed."""
    if attributes.email:
        return Contact("email", attributes.email)
    return Contact("sms", attributes.phone) if attributes.phone else None
