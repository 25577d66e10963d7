import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

COLUMNS = [
    migrations.AlterField(
        "source",
        "cadence",
        models.PositiveIntegerField(
            db_column="cadence",
            default=3600,
            validators=[django.core.validators.MinValueValidator(5)],
            verbose_name="co ile sekund",
        ),
    ),
    migrations.RenameField("source", "cadence", "polling_interval"),
    migrations.AlterField(
        "source",
        "stands_in_for",
        models.ForeignKey(
            blank=True,
            db_column="stands_in_for_id",
            null=True,
            on_delete=django.db.models.deletion.SET_NULL,
            related_name="fallbacks",
            to="markets.source",
            verbose_name="zastępuje",
        ),
    ),
    migrations.RenameField("source", "stands_in_for", "fallback_for"),
]


class Migration(migrations.Migration):
    """Standard names; the columns stay as they are."""

    dependencies = [("markets", "0006_words_of_reasons")]
    operations = [migrations.SeparateDatabaseAndState(state_operations=COLUMNS)]
