"""trust services"""

import sqlalchemy as sa
from alembic import op

from core import database as types
from core.audit_append_only import statements as append_only

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_checkpoint",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("jws", sa.Text(), nullable=False),
        sa.Column("time_stamp", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_audit_checkpoint")),
    )
    op.create_table(
        "audit_witness",
        sa.Column("name", sa.String(length=400), nullable=False),
        sa.Column("delivered_sequence", sa.BigInteger(), nullable=False),
        sa.Column("delivered_at", types.UTCDateTime(timezone=True), nullable=True),
        sa.Column("next_attempt_at", types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failure", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_audit_witness")),
    )
    op.create_table(
        "certified_key",
        sa.Column("kid", sa.String(length=43), nullable=False),
        sa.Column("holder", sa.LargeBinary(length=32), nullable=False),
        sa.Column("certified_at", types.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_certified_key")),
    )
    op.create_table(
        "data_key",
        sa.Column("owner_kind", sa.String(length=12), nullable=False),
        sa.Column("owner_id", sa.String(length=255), nullable=False),
        sa.Column("kid", sa.String(length=43), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", types.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("owner_kind", "owner_id", name=op.f("pk_data_key")),
    )
    with op.batch_alter_table("data_key", schema=None) as batch_op:
        batch_op.create_index("ix_data_key_kid", ["kid", "owner_kind", "owner_id"], unique=False)

    op.create_table(
        "erasure",
        sa.Column("account_id", sa.String(length=22), nullable=False),
        sa.Column("approval", sa.String(length=22), nullable=False),
        sa.Column("erased_at", types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("proof", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_erasure")),
    )
    with op.batch_alter_table("erasure", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_erasure_erased_at"), ["erased_at"], unique=False)

    op.create_table(
        "external_certificate",
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("kid", sa.String(length=43), nullable=False),
        sa.Column("purpose", sa.String(length=24), nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sa.Column("not_after", types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("imported_at", types.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_external_certificate")),
    )
    with op.batch_alter_table("external_certificate", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_external_certificate_kid"), ["kid"], unique=False)

    op.create_table(
        "key_use",
        sa.Column("kid", sa.String(length=43), nullable=False),
        sa.Column("applied", sa.BigInteger(), nullable=False),
        sa.Column("processed", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", types.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_key_use")),
    )
    op.create_table(
        "lift",
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column("reached", sa.Text(), nullable=False),
        sa.Column("lifted", sa.BigInteger(), nullable=False),
        sa.Column("unreadable", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", types.UTCDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_lift")),
    )
    op.create_table(
        "own_algorithm",
        sa.Column("purpose", sa.String(length=24), nullable=False),
        sa.Column("algorithm", sa.String(length=16), nullable=False),
        sa.Column("before", sa.String(length=16), nullable=False),
        sa.Column("begins_at", types.UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("purpose", name=op.f("pk_own_algorithm")),
    )
    op.create_table(
        "two_person_approval",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("act", sa.String(length=24), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("detail", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("asked_by", sa.String(length=22), nullable=False),
        sa.Column("asked_at", types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("first_by", sa.String(length=22), nullable=True),
        sa.Column("second_by", sa.String(length=22), nullable=True),
        sa.Column("closed_by", sa.String(length=22), nullable=True),
        sa.Column("closed_at", types.UTCDateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=10), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_two_person_approval")),
    )
    with op.batch_alter_table("two_person_approval", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_two_person_approval_asked_at"), ["asked_at"], unique=False)
        batch_op.create_index(
            "uq_two_person_approval_open",
            ["act", "subject"],
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    op.create_table(
        "ocsp_answer",
        sa.Column("serial", sa.String(length=40), nullable=False),
        sa.Column("form", sa.String(length=16), nullable=False),
        sa.Column("kid", sa.String(length=43), nullable=False),
        sa.Column("is_revoked", sa.Boolean(), nullable=False),
        sa.Column("this_update", types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["serial"], ["certificate.serial"], name=op.f("fk_ocsp_answer_serial")),
        sa.PrimaryKeyConstraint("serial", "form", name=op.f("pk_ocsp_answer")),
    )
    with op.batch_alter_table("ocsp_answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ocsp_answer_this_update"), ["this_update"], unique=False)

    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index(
            "ix_audit_entry_waiting",
            ["number"],
            unique=False,
            sqlite_where=sa.text("sequence IS NULL"),
            postgresql_where=sa.text("sequence IS NULL"),
        )

    with op.batch_alter_table("key", schema=None) as batch_op:
        batch_op.add_column(sa.Column("compromised_at", types.UTCDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("destroyed_at", types.UTCDateTime(timezone=True), nullable=True))
        batch_op.alter_column(
            "slot", existing_type=sa.VARCHAR(length=32), type_=sa.String(length=48), existing_nullable=True
        )

    with op.batch_alter_table("outbox_message", schema=None) as batch_op:
        batch_op.add_column(sa.Column("account_id", sa.String(length=22), server_default="", nullable=False))
        batch_op.drop_index(batch_op.f("ix_outbox_message_next_attempt_at"))
        batch_op.create_index(batch_op.f("ix_outbox_message_account_id"), ["account_id"], unique=False)
        batch_op.create_index(
            "ix_outbox_message_waiting",
            ["next_attempt_at"],
            unique=False,
            sqlite_where=sa.text("delivered_at IS NULL AND given_up_at IS NULL"),
            postgresql_where=sa.text("delivered_at IS NULL AND given_up_at IS NULL"),
        )

    with op.batch_alter_table("revocation_list", schema=None) as batch_op:
        batch_op.alter_column("number", existing_type=sa.INTEGER(), type_=sa.BigInteger(), existing_nullable=False)
    # a person's data key stands in one place; what the accounts and the cases of people without one held moves there
    op.execute(
        "INSERT INTO data_key (owner_kind, owner_id, kid, wrapped, created_at) SELECT 'account', id, '', data_key, created_at FROM account"
    )
    op.execute(
        "INSERT INTO data_key (owner_kind, owner_id, kid, wrapped, created_at) SELECT 'account', account_id, '', data_key, opened_at"
        " FROM proofing_case WHERE length(data_key) > 0 AND journey = 'enrolment'"
        " AND account_id NOT IN (SELECT id FROM account)"
    )
    op.execute("ALTER TABLE account DROP COLUMN data_key")
    op.execute("ALTER TABLE proofing_case DROP COLUMN data_key")
    # what was called by its length alone is called by what it does
    op.execute("UPDATE key SET algorithm = 'A256GCM' WHERE algorithm = '256-bit' AND purpose IN ('envelope', 'code')")
    op.execute("UPDATE key SET algorithm = 'HS256' WHERE algorithm = '256-bit'")
    for statement in append_only(op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("the schema goes forward only: restore a backup instead")
