"""The newest price of each instrument, so that an overview costs one row per instrument."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from markets.models.sources import Instrument, Source


class Quote(models.Model):
    """The newest price of an instrument at a source. For the NBP: the canonical mid, archive included."""

    instrument = models.ForeignKey(Instrument, models.CASCADE, related_name="quotes", verbose_name=_("instrument"))
    source = models.ForeignKey(Source, models.CASCADE, verbose_name=_("źródło"))
    table = models.CharField(_("tabela"), max_length=12, blank=True)
    effective_date = models.DateField(_("z dnia"), null=True)
    observed_at = models.DateTimeField(_("zapisano"))
    price = models.DecimalField(_("cena"), max_digits=20, decimal_places=10)
    scale = models.PositiveSmallIntegerField(_("miejsca po przecinku"))
    previous = models.DecimalField(_("poprzednia"), max_digits=20, decimal_places=10, null=True)
    previous_scale = models.PositiveSmallIntegerField(null=True)
    previous_date = models.DateField(_("poprzednia z dnia"), null=True)
    bid = models.DecimalField(_("kupno"), max_digits=20, decimal_places=10, null=True)
    ask = models.DecimalField(_("sprzedaż"), max_digits=20, decimal_places=10, null=True)
    open = models.DecimalField(_("otwarcie"), max_digits=20, decimal_places=10, null=True)
    high = models.DecimalField(_("najwyższa"), max_digits=20, decimal_places=10, null=True)
    low = models.DecimalField(_("najniższa"), max_digits=20, decimal_places=10, null=True)
    close = models.DecimalField(_("zamknięcie"), max_digits=20, decimal_places=10, null=True)
    volume = models.DecimalField(_("obrót"), max_digits=20, decimal_places=10, null=True)

    class Meta:
        verbose_name = _("notowanie")
        verbose_name_plural = _("notowania")
        constraints = [models.UniqueConstraint(fields=["instrument", "source"], name="one_quote_a_source")]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.price}"
