"""certification depth"""

import sqlalchemy as sa
from alembic import op

from core import database as types

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "catalogue_entry",
        sa.Column("identifier", sa.String(length=80), nullable=False),
        sa.Column("agency_id", sa.String(length=22), nullable=False),
        sa.Column("client_id", sa.String(length=80), nullable=False),
        sa.Column("resource", sa.String(length=400), nullable=False),
        sa.Column("name_th", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.Column("classification", sa.String(length=20), nullable=False),
        sa.Column("legal_basis", sa.String(length=30), nullable=False),
        sa.Column("law", sa.String(length=300), nullable=False),
        sa.Column("retention", sa.String(length=300), nullable=False),
        sa.Column("recipients", sa.Text(), nullable=False),
        sa.Column("updated_at", types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", types.UTCDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("identifier", name=op.f("pk_catalogue_entry")),
    )
    with op.batch_alter_table("catalogue_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_catalogue_entry_agency_id"), ["agency_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_catalogue_entry_resource"), ["resource"], unique=False)

    op.create_table(
        "decoupled_request",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("grant_type", sa.String(length=60), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_code_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("client_id", sa.String(length=80), nullable=False),
        sa.Column("account_id", sa.String(length=22), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("ping", sa.LargeBinary(), nullable=True),
        sa.Column("interval", sa.Integer(), nullable=False),
        sa.Column("poll_after", types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("created_at", types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("decision", sa.String(length=8), nullable=False),
        sa.Column("decided_at", types.UTCDateTime(timezone=True), nullable=True),
        sa.Column("authorized", sa.Text(), nullable=False),
        sa.Column("redeemed_at", types.UTCDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decoupled_request")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_decoupled_request_code_hash")),
        sa.UniqueConstraint("user_code_hash", name=op.f("uq_decoupled_request_user_code_hash")),
    )
    with op.batch_alter_table("decoupled_request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_decoupled_request_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_decoupled_request_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "protected_resource",
        sa.Column("resource", sa.String(length=400), nullable=False),
        sa.Column("client_id", sa.String(length=80), nullable=False),
        sa.Column("clients", sa.Text(), nullable=False),
        sa.Column("created_at", types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("removed_at", types.UTCDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("resource", name=op.f("pk_protected_resource")),
    )
    with op.batch_alter_table("protected_resource", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_protected_resource_client_id"), ["client_id"], unique=False)

    op.create_table(
        "refresh_token",
        sa.Column("handle", sa.String(length=22), nullable=False),
        sa.Column("family_id", sa.String(length=22), nullable=False),
        sa.Column("client_id", sa.String(length=80), nullable=False),
        sa.Column("account_id", sa.String(length=22), nullable=False),
        sa.Column("sub", sa.String(length=255), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("requested_claims", sa.String(length=43), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("grant_id", sa.String(length=22), nullable=False),
        sa.Column("session_id", sa.String(length=22), nullable=False),
        sa.Column("auth_time", sa.Integer(), nullable=False),
        sa.Column("acr", sa.String(length=120), nullable=False),
        sa.Column("amr", sa.String(length=60), nullable=False),
        sa.Column("jkt", sa.String(length=43), nullable=False),
        sa.Column("x5t_s256", sa.String(length=43), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(length=32), nullable=True),
        sa.Column("successor", sa.LargeBinary(length=200), nullable=True),
        sa.Column("rotated_at", types.UTCDateTime(timezone=True), nullable=True),
        sa.Column("rotated_by", sa.String(length=60), nullable=False),
        sa.Column("replays", sa.Integer(), nullable=False),
        sa.Column("issued_at", types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("idle_until", types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", types.UTCDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("handle", name=op.f("pk_refresh_token")),
    )
    with op.batch_alter_table("refresh_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_refresh_token_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_refresh_token_client_id"), ["client_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_refresh_token_family_id"), ["family_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_refresh_token_grant_id"), ["grant_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_refresh_token_idle_until"), ["idle_until"], unique=False)
        batch_op.create_index(batch_op.f("ix_refresh_token_session_id"), ["session_id"], unique=False)

    op.create_table(
        "initial_access_token",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("agency_id", sa.String(length=22), nullable=True),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("uses_left", sa.Integer(), nullable=False),
        sa.Column("created_at", types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", types.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_initial_access_token_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_initial_access_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_initial_access_token_token_hash")),
    )
    op.create_table(
        "registration_access_token",
        sa.Column("client_id", sa.String(length=80), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("issued_at", types.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id"], ["client.client_id"], name=op.f("fk_registration_access_token_client_id")
        ),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_registration_access_token")),
    )
    with op.batch_alter_table("issued_token", schema=None) as batch_op:
        batch_op.add_column(sa.Column("x5t_s256", sa.String(length=43), server_default="", nullable=False))
        batch_op.drop_index(batch_op.f("ix_issued_token_code_id"))
        batch_op.alter_column("code_id", new_column_name="family_id", existing_type=sa.String(length=22))

    op.create_index(op.f("ix_issued_token_family_id"), "issued_token", ["family_id"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("the schema goes forward only: restore a backup instead")
