"""Runs migrations on the connection that the caller opened."""

from alembic import context
from sqlalchemy import Connection

from pontlevis.storage import tables
from pontlevis.storage.tables.base import Base

TABLES = tables.__all__  # imported so that the metadata knows them

connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
