import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Facts about sources that stood in code outside their providers, and what each source lists."""

    dependencies = [("markets", "0009_gaps")]
    operations = [
        migrations.AddField(
            "source", "has_listing", models.BooleanField(default=False, verbose_name="podaje wykaz symboli")
        ),
        migrations.AddField(
            "source",
            "listed_at",
            models.DateTimeField(blank=True, editable=False, null=True, verbose_name="wykaz pobrano"),
        ),
        migrations.AddField(
            "source", "other_names", models.JSONField(blank=True, default=list, verbose_name="inne nazwy")
        ),
        migrations.AddField(
            "source", "rotating", models.BooleanField(default=False, verbose_name="symbole na zmianę")
        ),
        migrations.CreateModel(
            name="ListedAsset",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("ticker", models.CharField(max_length=60, verbose_name="symbol u źródła")),
                ("code", models.CharField(max_length=20, verbose_name="kod")),
                ("base", models.CharField(max_length=12, verbose_name="baza")),
                ("quote", models.CharField(max_length=12, verbose_name="waluta notowania")),
                ("kind", models.CharField(blank=True, max_length=12, verbose_name="rodzaj")),
                ("name", models.CharField(blank=True, max_length=120, verbose_name="nazwa")),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="listed",
                        to="markets.source",
                        verbose_name="źródło",
                    ),
                ),
            ],
            options={
                "verbose_name": "pozycja wykazu źródła",
                "verbose_name_plural": "wykazy źródeł",
                "ordering": ["source", "ticker"],
                "indexes": [
                    models.Index(fields=["code"], name="listed_code"),
                    models.Index(fields=["base"], name="listed_base"),
                ],
                "constraints": [models.UniqueConstraint(fields=["source", "ticker"], name="one_line_a_ticker")],
            },
        ),
    ]
