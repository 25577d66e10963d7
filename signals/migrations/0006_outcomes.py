import django.db.models.deletion
from django.db import migrations, models

PANEL = ["family", "rule", "timeframe", "horizon", "live"]
FIGURES = {
    "hit_rate": "trafność",
    "hit_low": "trafność od",
    "hit_high": "trafność do",
    "mean": "średnia",
    "median": "mediana",
    "worst": "najgorszy wynik",
    "holding": "trzymanie",
    "percentile": "percentyl losowych wejść",
    "net": "po kosztach",
    "smallest": "najmniejszy widoczny efekt",
    "sharpe": "wskaźnik Sharpe’a",
    "deflated": "Sharpe po poprawce",
    "t": "T",
    "p": "p",
}
SAYS = [
    ("", "za mało danych"),
    ("chance", "nie odróżnia się od przypadku"),
    ("better", "odróżnia się od przypadku"),
    ("worse", "gorzej niż przypadek"),
]


def numbered():
    return ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))


def panel():
    return [
        (
            "family",
            models.CharField(
                "rodzina", max_length=8, choices=[("official", "kursy urzędowe"), ("candles", "świece")]
            ),
        ),
        ("rule", models.CharField("reguła", max_length=60)),
        ("timeframe", models.CharField("interwał", max_length=4)),
        ("horizon", models.PositiveSmallIntegerField("horyzont (świece)")),
        ("live", models.BooleanField("na żywo")),
    ]


class Migration(migrations.Migration):
    """The record of outcomes: empty until the engine has computed it, in its first pass or in the night."""

    dependencies = [("markets", "0017_printable_names"), ("signals", "0005_candle_states")]
    operations = [
        migrations.CreateModel(
            "Outcome",
            [
                numbered(),
                *panel(),
                (
                    "instrument",
                    models.ForeignKey(
                        "markets.Instrument",
                        django.db.models.deletion.CASCADE,
                        null=True,
                        related_name="outcomes",
                        verbose_name="instrument",
                    ),
                ),
                ("n", models.PositiveIntegerField("sygnały")),
                ("n_eff", models.FloatField("niezależne sygnały")),
                ("first", models.DateTimeField("pierwszy sygnał", null=True)),
                ("last", models.DateTimeField("ostatni sygnał", null=True)),
                *((name, models.FloatField(title, null=True)) for name, title in FIGURES.items()),
                ("net_n", models.PositiveIntegerField("sygnały ze znanym kosztem")),
                ("says", models.CharField("wniosek", max_length=8, choices=SAYS, blank=True)),
                ("panels", models.PositiveIntegerField("sprawdzone wyniki")),
                ("computed_at", models.DateTimeField("wyliczono")),
            ],
            {
                "verbose_name": "wynik reguły",
                "verbose_name_plural": "wyniki reguł",
                "ordering": ["family", "instrument", "rule", "timeframe", "horizon", "live"],
            },
        ),
        migrations.CreateModel(
            "Trial",
            [
                numbered(),
                *panel(),
                ("code", models.CharField("kod", max_length=20, default="", blank=True)),
                ("tried_at", models.DateTimeField("pierwsza próba")),
                ("sharpe", models.FloatField("wskaźnik Sharpe’a", null=True)),
            ],
            {"verbose_name": "próba reguły", "verbose_name_plural": "próby reguł", "ordering": ["-tried_at", "-id"]},
        ),
        migrations.AddConstraint(
            "outcome", models.UniqueConstraint(fields=[*PANEL, "instrument"], name="one_outcome_a_panel")
        ),
        migrations.AddConstraint(
            "outcome",
            models.UniqueConstraint(fields=PANEL, condition=models.Q(instrument=None), name="one_pooled_outcome"),
        ),
        migrations.AddConstraint(
            "trial", models.UniqueConstraint(fields=[*PANEL, "code"], name="one_trial_a_panel")
        ),
    ]
