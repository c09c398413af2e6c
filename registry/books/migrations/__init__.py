"""Migrations: how older books become those of `tables.py`, by numbered steps that never change once shipped."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

HEAD = "0002"
"""The step that `tables.py` stands at."""


def is_up_to_date(connection: Connection) -> bool:
    """Whether nothing is to be done, found out without loading Alembic: every verb asks."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD


def upgrade(connection: Connection) -> None:
    """Run the missing steps in the connection's transaction, which the caller commits."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
