"""What the record keeps: the newest panels, and every panel that was ever looked at."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from markets.models import Instrument
from signals.outcomes.panel import POOLED


class Family(models.TextChoices):
    """Panels that are judged together: each family has its own 2.5 % of false findings."""

    OFFICIAL = "official", _("kursy urzędowe")
    CANDLES = "candles", _("świece")


PANEL = ["family", "rule", "timeframe", "horizon", "live"]


class Outcome(models.Model):
    """One panel as it was computed last; `signals.outcomes.panel.Panel` says what each figure is.

    Without an instrument: all instruments of the family together. A run replaces all rows of its family.
    """

    class Says(models.TextChoices):
        TOO_LITTLE = "", _("za mało danych")
        CHANCE = "chance", _("nie odróżnia się od przypadku")
        BETTER = "better", _("odróżnia się od przypadku")
        WORSE = "worse", _("gorzej niż przypadek")

    family = models.CharField(_("rodzina"), max_length=8, choices=Family)
    rule = models.CharField(_("reguła"), max_length=60)
    instrument = models.ForeignKey(
        Instrument, models.CASCADE, null=True, related_name="outcomes", verbose_name=_("instrument")
    )
    timeframe = models.CharField(_("interwał"), max_length=4)
    horizon = models.PositiveSmallIntegerField(_("horyzont (świece)"))
    live = models.BooleanField(_("na żywo"))
    n = models.PositiveIntegerField(_("sygnały"))
    n_eff = models.FloatField(_("niezależne sygnały"))
    first = models.DateTimeField(_("pierwszy sygnał"), null=True)
    last = models.DateTimeField(_("ostatni sygnał"), null=True)
    hit_rate = models.FloatField(_("trafność"), null=True)
    hit_low = models.FloatField(_("trafność od"), null=True)
    hit_high = models.FloatField(_("trafność do"), null=True)
    mean = models.FloatField(_("średnia"), null=True)
    median = models.FloatField(_("mediana"), null=True)
    worst = models.FloatField(_("najgorszy wynik"), null=True)
    holding = models.FloatField(_("trzymanie"), null=True)
    percentile = models.FloatField(_("percentyl losowych wejść"), null=True)
    net = models.FloatField(_("po kosztach"), null=True)
    net_n = models.PositiveIntegerField(_("sygnały ze znanym kosztem"))
    smallest = models.FloatField(_("najmniejszy widoczny efekt"), null=True)
    sharpe = models.FloatField(_("wskaźnik Sharpe’a"), null=True)
    deflated = models.FloatField(_("Sharpe po poprawce"), null=True)
    t = models.FloatField("T", null=True)
    p = models.FloatField("p", null=True)
    says = models.CharField(_("wniosek"), max_length=8, choices=Says, blank=True)
    panels = models.PositiveIntegerField(_("sprawdzone wyniki"))
    computed_at = models.DateTimeField(_("wyliczono"))

    class Meta:
        verbose_name = _("wynik reguły")
        verbose_name_plural = _("wyniki reguł")
        ordering = ["family", "instrument", "rule", "timeframe", "horizon", "live"]
        constraints = [
            models.UniqueConstraint(fields=[*PANEL, "instrument"], name="one_outcome_a_panel"),
            # NULL is never equal to NULL: of all instruments together there would be any number of rows.
            models.UniqueConstraint(fields=PANEL, condition=Q(instrument=None), name="one_pooled_outcome"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id or '*'} {self.rule} {self.timeframe} {self.horizon}"


class Trial(models.Model):
    """A rule with its parameters that was ever tried on a panel: the best of many trials looks good by chance alone.

    Append-only, and written before the run that looks. `sharpe` is the first that was measured on 30 decisions: what
    is measured again is no further trial, and the Sharpe ratio of a handful would only say how noisy handfuls are.
    The code is text: a trial outlives its instrument.
    """

    family = models.CharField(_("rodzina"), max_length=8, choices=Family)
    rule = models.CharField(_("reguła"), max_length=60)
    code = models.CharField(_("kod"), max_length=20, default=POOLED, blank=True)
    timeframe = models.CharField(_("interwał"), max_length=4)
    horizon = models.PositiveSmallIntegerField(_("horyzont (świece)"))
    live = models.BooleanField(_("na żywo"))
    tried_at = models.DateTimeField(_("pierwsza próba"))
    sharpe = models.FloatField(_("wskaźnik Sharpe’a"), null=True)

    class Meta:
        verbose_name = _("próba reguły")
        verbose_name_plural = _("próby reguł")
        ordering = ["-tried_at", "-id"]
        constraints = [models.UniqueConstraint(fields=[*PANEL, "code"], name="one_trial_a_panel")]

    def __str__(self) -> str:
        return f"{self.code or '*'} {self.rule} {self.timeframe} {self.horizon}"
