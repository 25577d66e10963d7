"""Decisions, and the newest state of each series."""

from datetime import UTC, date, datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from markets.models import Instrument
from signals.outcomes.models import Outcome as Outcome  # Django finds the models of an app here
from signals.outcomes.models import Trial as Trial

# The timeframe of official rates, and the one that pages speak of.
DAILY = "1d"
# What has official daily rates; everything else is decided on by its candles.
OFFICIAL_KINDS = (Instrument.Kind.CURRENCY, Instrument.Kind.METAL)


def midnight(day: date) -> datetime:
    """How a daily bar is dated: its day at 00:00 UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


class Signal(models.Model):
    """One decision on one closed bar. Append-only: a correction is a new version of the same bar.

    `as_of` is the bar's day at 00:00 UTC for daily bars, the open of a candle. `backtested`: decided on a bar older
    than the first run. `macd`, `signal_line` and `histogram` are null for a rule that computes none. `inputs`, `params`
    and `program` are null in what an earlier release decided: empty text would be a hash that is wrong.
    """

    class Label(models.TextChoices):
        BUY = "BUY", _("KUP")
        HOLD = "HOLD", _("TRZYMAJ")
        SELL = "SELL", _("SPRZEDAJ")

    instrument = models.ForeignKey(Instrument, models.PROTECT, related_name="signals", verbose_name=_("instrument"))
    rule = models.CharField(_("reguła"), max_length=60)
    timeframe = models.CharField(_("interwał"), max_length=4, default=DAILY)
    as_of = models.DateTimeField(_("świeca"))
    signal = models.CharField(_("sygnał"), max_length=4, choices=Label)
    macd = models.DecimalField("MACD", max_digits=20, decimal_places=10, null=True)
    signal_line = models.DecimalField(_("linia sygnału"), max_digits=20, decimal_places=10, null=True)
    histogram = models.DecimalField(_("histogram"), max_digits=20, decimal_places=10, null=True)
    values = models.JSONField(_("wartości"), default=dict)
    horizon_days = models.PositiveSmallIntegerField(_("horyzont (dni)"))
    version = models.PositiveSmallIntegerField(_("wydanie"), default=1, db_column="edition")
    backtested = models.BooleanField(_("wyliczony wstecz"), default=False)
    inputs = models.CharField(_("skrót danych"), max_length=64, null=True)  # noqa: DJ001
    params = models.CharField(_("skrót parametrów"), max_length=64, null=True)  # noqa: DJ001
    program = models.CharField(_("program"), max_length=60, null=True)  # noqa: DJ001
    generated_at = models.DateTimeField(_("wyliczono"))

    class Meta:
        verbose_name = _("sygnał")
        verbose_name_plural = _("sygnały")
        ordering = ["-as_of", "instrument", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["instrument", "rule", "timeframe", "as_of", "version"], name="one_decision_a_bar"
            ),
        ]
        indexes = [
            models.Index(fields=["-as_of", "-id"], name="signal_newest"),
            # A rule's newest decisions, and how many there are: whose they are, too, stands in it (the licence).
            models.Index(
                fields=["rule", "timeframe", "-as_of", "-version", "-id", "instrument"], name="signal_newest_of_rule"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.as_of:%Y-%m-%d} {self.signal}"


class AnalysisSnapshot(models.Model):
    """The newest state of a series under a rule: of official rates over 30, 90 and 365 days, of candles in one row.

    `state` carries what the next bar needs (the rule's numbers to the last bit) and stands once: in the row without a
    window, or in that of the narrowest one. A rule that raised has its words in `error`.
    """

    WINDOWS = (30, 90, 365)
    # The window of what is no statistics over one: a series of candles, and the rating.
    NEWEST = ""
    # The row of a series that keeps its state.
    KEEPERS = (NEWEST, f"{min(WINDOWS)}d")

    class Status(models.TextChoices):
        OK = "ok", _("wyliczone")
        WARMING_UP = "warming_up", _("za mało danych")
        NOT_APPLICABLE = "not_applicable", _("nie dotyczy")
        FAILED = "failed", _("błąd reguły")

    instrument = models.ForeignKey(Instrument, models.CASCADE, related_name="snapshots", verbose_name=_("instrument"))
    rule = models.CharField(_("reguła"), max_length=60)
    timeframe = models.CharField(_("interwał"), max_length=4, default=DAILY)
    window = models.CharField(_("okno"), max_length=4, blank=True)
    status = models.CharField(_("stan"), max_length=16, choices=Status)
    stats = models.JSONField(_("statystyki"), default=dict)
    state = models.JSONField(_("stan wskaźników"), default=dict)
    error = models.TextField(_("błąd"), blank=True, default="")
    generated_at = models.DateTimeField(_("wyliczono"))

    class Meta:
        verbose_name = _("bieżąca analiza")
        verbose_name_plural = _("bieżące analizy")
        ordering = ["instrument", "window"]
        constraints = [
            models.UniqueConstraint(fields=["instrument", "rule", "timeframe", "window"], name="one_snapshot_a_window"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.window}"
