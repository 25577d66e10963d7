"""What sources have not given: the one place that says what is missing."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from markets.models.jobs import Job
from markets.models.sources import Instrument, Source


class Gap(models.Model):
    """A span of one series without the rows that should be there. Arriving rows shorten it and delete it at last."""

    class Reason(models.TextChoices):
        """Why the rows are missing."""

        FIRST_FILL = "first_fill", _("historia jest dopiero wczytywana")
        FAILED = "failed", _("zapytanie się nie udało")
        EMPTY = "empty", _("źródło nic nie podało")
        REFUSED = "refused", _("wartość odrzucona")
        MISSING = "missing", _("brak świec pomiędzy sąsiednimi")

    source = models.ForeignKey(Source, models.CASCADE, verbose_name=_("źródło"))
    # A letter of the NBP, gold, mid (the archive), eurofxref, candle:<timeframe>, or price.
    table = models.CharField(_("tabela"), max_length=12)
    instrument = models.ForeignKey(
        Instrument,
        models.CASCADE,
        null=True,
        blank=True,
        verbose_name=_("instrument"),
        help_text=_("puste: cała tabela"),
    )
    # The first and the last missing bar: midnight (UTC) of a day, the opening time of a candle.
    from_time = models.DateTimeField(_("od"))
    to_time = models.DateTimeField(_("do"))
    reason = models.CharField(_("powód"), max_length=12, choices=Reason)
    # Why the newest try failed, as the job of that try says it.
    cause = models.CharField(_("przyczyna"), max_length=20, choices=Job.Reason, blank=True)
    tries = models.PositiveSmallIntegerField(_("próby"), default=0)
    next_try = models.DateTimeField(_("następna próba"), null=True, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, verbose_name=_("zaakceptował")
    )
    accepted_at = models.DateTimeField(_("zaakceptowano"), null=True, blank=True)

    class Meta:
        verbose_name = _("luka")
        verbose_name_plural = _("luki")
        ordering = ["source", "table", "from_time"]
        indexes = [models.Index(fields=["source", "table", "from_time"], name="gap_place")]

    def __str__(self) -> str:
        return f"{self.source_id} {self.table} {self.from_time:%Y-%m-%d}…{self.to_time:%Y-%m-%d}"
