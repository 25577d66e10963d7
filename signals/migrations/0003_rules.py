from django.db import migrations, models


def decimal(name):
    return models.DecimalField(name, max_digits=20, decimal_places=10, null=True)


class Migration(migrations.Migration):
    """Rules other than MACD have decisions, and states on candles; every row stays."""

    dependencies = [("signals", "0002_standard_names")]
    operations = [
        migrations.AlterField("signal", "macd", decimal("MACD")),
        migrations.AlterField("signal", "signal_line", decimal("linia sygnału")),
        migrations.AlterField("signal", "histogram", decimal("histogram")),
        migrations.AddField(
            "analysissnapshot", "timeframe", models.CharField("interwał", max_length=4, default="1d")
        ),
        migrations.RemoveConstraint("analysissnapshot", "one_snapshot_a_window"),
        migrations.AddConstraint(
            "analysissnapshot",
            models.UniqueConstraint(
                fields=["instrument", "rule", "timeframe", "window"], name="one_snapshot_a_window"
            ),
        ),
    ]
