"""trust services"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # what was called by its length alone is called by what it does
    op.execute("UPDATE key SET algorithm = 'A256GCM' WHERE algorithm = '256-bit' AND purpose IN ('envelope', 'code')")
    op.execute("UPDATE key SET algorithm = 'HS256' WHERE algorithm = '256-bit'")


def downgrade() -> None:
    raise NotImplementedError("the schema goes forward only: restore a backup instead")
