from django.db import migrations, models

KEY = ["instrument", "rule", "timeframe", "as_of"]
COLUMNS = [
    migrations.RemoveConstraint("signal", "one_decision_a_bar"),
    migrations.AlterField(
        "signal",
        "edition",
        models.PositiveSmallIntegerField(db_column="edition", default=1, verbose_name="wydanie"),
    ),
    migrations.RenameField("signal", "edition", "version"),
    migrations.AddConstraint(
        "signal", models.UniqueConstraint(fields=[*KEY, "version"], name="one_decision_a_bar")
    ),
    migrations.AlterModelOptions(
        "signal",
        {"ordering": ["-as_of", "instrument", "-version"], "verbose_name": "sygnał", "verbose_name_plural": "sygnały"},
    ),
]


class Migration(migrations.Migration):
    """Standard names; the column stays as it is."""

    dependencies = [("signals", "0001_initial")]
    operations = [migrations.SeparateDatabaseAndState(state_operations=COLUMNS)]
