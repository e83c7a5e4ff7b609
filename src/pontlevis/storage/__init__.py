"""Tables, migrations, queries. Knows SQLAlchemy; nothing here knows HTTP."""
