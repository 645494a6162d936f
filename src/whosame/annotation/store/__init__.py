"""The label store: schema, migrations, append-only answers."""
