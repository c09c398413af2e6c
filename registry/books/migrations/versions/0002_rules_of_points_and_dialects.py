"""Rules of single storage points, of doors and of power; devices that speak other dialects, and bridges."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("rules_in_force", "rules"):
        op.execute(f"ALTER TABLE {table} RENAME COLUMN storage_class TO subject")
    op.add_column("rules_in_force", sa.Column("storage_class", sa.Text(), nullable=False, server_default=""))
    op.execute("UPDATE rules_in_force SET storage_class = subject")
    op.add_column("rules_in_force", sa.Column("storage_point_id", sa.Text()))
    op.add_column(
        "rules_in_force", sa.Column("is_class_again", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("rules_in_force", sa.Column("set_by", sa.Text()))
    op.add_column("rules", sa.Column("quantity", sa.Text(), nullable=False, server_default="temperature"))
    op.add_column("devices", sa.Column("hardware_id", sa.Text()))
    op.add_column("devices", sa.Column("topics", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("devices", sa.Column("probes", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("devices", sa.Column("mapping", sa.Text()))
    op.add_column("devices", sa.Column("zone", sa.Text(), nullable=False, server_default=""))
    op.add_column("spoken_for", sa.Column("hardware_id", sa.Text(), nullable=False, server_default=""))
