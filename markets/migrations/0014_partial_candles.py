"""Candles that Charon rolled up say of how much they were made; those of earlier releases that nobody counted."""

from django.db import migrations, models
from django.db.models import Q


def mark(apps, schema_editor):
    """Made of prices, so without a volume, or of candles with trades; what came without a trade stays as it is."""
    candles = apps.get_model("markets", "Candle").objects.filter(synthetic=True, timeframe__in=("1h", "1d"))
    candles.filter(Q(volume=None) | Q(volume__gt=0)).update(partial=True, pieces=0)
    candles.filter(volume__gt=0).update(synthetic=False)


class Migration(migrations.Migration):

    dependencies = [("markets", "0013_notation_revisions")]
    operations = [
        migrations.AddField(
            "candle", "partial", models.BooleanField(db_default=False, default=False, verbose_name="niepełna")
        ),
        migrations.AddField(
            "candle", "pieces", models.PositiveSmallIntegerField(null=True, verbose_name="znane pięciominutówki")
        ),
        migrations.RunPython(mark, migrations.RunPython.noop),
    ]
