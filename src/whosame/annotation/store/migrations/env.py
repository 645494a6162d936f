"""Alembic's entry point: runs the migrations on the connection of :mod:`whosame.annotation.store.migrate`."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
