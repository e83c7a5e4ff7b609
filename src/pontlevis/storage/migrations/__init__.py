"""Alembic's migrations, applied by ``pontlevis.storage.migrate``."""
