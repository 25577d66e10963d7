"""On PostgreSQL a figure has no foreign keys to its instrument and its source: their checks took a fifth of an import.

The store writes, in the same transaction, the announcement that refers to the instrument, and holds a lock on the
source, which the publication refers to as well: neither can go. SQLite checks for next to nothing and would have to
copy the whole table: it keeps the keys, until another change copies it anyway.
"""

import django.db.models.deletion
from django.db import migrations, models


class AlterOnPostgres(migrations.AlterField):
    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        self.database_forwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):

    dependencies = [
        ("markets", "0004_cadence_and_budget"),
    ]

    operations = [
        AlterOnPostgres(
            model_name="rate",
            name="instrument",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="rates",
                to="markets.instrument",
                verbose_name="instrument",
            ),
        ),
        AlterOnPostgres(
            model_name="rate",
            name="source",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                to="markets.source",
                verbose_name="źródło",
            ),
        ),
    ]
