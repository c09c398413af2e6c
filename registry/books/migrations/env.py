"""What Alembic runs: the steps, in the transaction of whoever called `upgrade`."""

from alembic import context

from registry.books import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.metadata,
    transactional_ddl=True,
    transaction_per_migration=False,
)
context.run_migrations()
