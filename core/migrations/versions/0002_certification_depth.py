"""certification depth"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("issued_token", schema=None) as batch_op:
        batch_op.add_column(sa.Column("x5t_s256", sa.String(length=43), server_default="", nullable=False))
        batch_op.drop_index(batch_op.f("ix_issued_token_code_id"))
        batch_op.alter_column("code_id", new_column_name="family_id", existing_type=sa.String(length=22))

    op.create_index(op.f("ix_issued_token_family_id"), "issued_token", ["family_id"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("the schema goes forward only: restore a backup instead")
