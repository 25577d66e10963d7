from django.db import migrations, models

WINDOWED = ("window_days", "first", "change", "change_pct", "min", "max", "mean", "points")


def keep_states_once(apps, schema_editor):
    """Candles keep one row without a window, and official rates their state in the row of the narrowest one."""
    rows = apps.get_model("signals", "AnalysisSnapshot").objects
    official = {"timeframe": "1d", "instrument__kind__in": ["currency", "metal"]}
    wide = rows.exclude(window__in=["", "30d"])
    wide.exclude(**official).delete()
    for row in rows.filter(window="30d").exclude(**official):
        row.window = ""
        row.stats = {name: value for name, value in row.stats.items() if name not in WINDOWED}
        row.save(update_fields=["window", "stats"])
    wide.update(state={})


class Migration(migrations.Migration):
    """The state of a series stands once, a series of candles has one row a rule, and a rule that raised says so."""

    dependencies = [("signals", "0004_hashes")]
    operations = [
        migrations.AlterField(
            "analysissnapshot", "window", models.CharField("okno", max_length=4, blank=True)
        ),
        migrations.AlterField(
            "analysissnapshot",
            "status",
            models.CharField(
                "stan",
                max_length=16,
                choices=[
                    ("ok", "wyliczone"),
                    ("warming_up", "za mało danych"),
                    ("not_applicable", "nie dotyczy"),
                    ("failed", "błąd reguły"),
                ],
            ),
        ),
        migrations.AddField("analysissnapshot", "error", models.TextField("błąd", blank=True, default="")),
        migrations.RunPython(keep_states_once, migrations.RunPython.noop),
    ]
