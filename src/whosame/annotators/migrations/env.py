"""Runs the migrations on the connection that :mod:`whosame.annotators.migrate` gives."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
