"""What markets said: the newest price of an instrument, single prices, candles. No official figures."""

from django.db import models
from django.db.models import F, Q
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
    volume = models.DecimalField(_("obrót"), max_digits=30, decimal_places=10, null=True)
    change = models.DecimalField(_("zmiana 24 h (%)"), max_digits=20, decimal_places=10, null=True)
    end_of_day = models.BooleanField(_("zamknięcie poprzedniego dnia"), default=False)

    class Meta:
        verbose_name = _("notowanie")
        verbose_name_plural = _("notowania")
        constraints = [models.UniqueConstraint(fields=["instrument", "source"], name="one_quote_a_source")]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.price}"


class Tick(models.Model):
    """One price as a source gave it at one moment. Old ones make room; candles of an hour and of a day stay."""

    instrument = models.ForeignKey(Instrument, models.CASCADE, db_index=False, verbose_name=_("instrument"))
    source = models.ForeignKey(Source, models.CASCADE, db_index=False, verbose_name=_("źródło"))
    observed_at = models.DateTimeField(_("z chwili"))
    price = models.DecimalField(_("cena"), max_digits=20, decimal_places=10)
    bid = models.DecimalField(_("kupno"), max_digits=20, decimal_places=10, null=True)
    ask = models.DecimalField(_("sprzedaż"), max_digits=20, decimal_places=10, null=True)
    volume = models.DecimalField(_("obrót"), max_digits=30, decimal_places=10, null=True)

    class Meta:
        verbose_name = _("pojedyncza cena")
        verbose_name_plural = _("pojedyncze ceny")
        constraints = [
            models.UniqueConstraint(fields=["instrument", "source", "observed_at"], name="one_tick_a_moment"),
            models.CheckConstraint(condition=Q(price__gt=0), name="tick_is_positive"),
        ]
        # Retention deletes by time alone.
        indexes = [models.Index(fields=["observed_at"], name="tick_age")]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.observed_at} {self.price}"


class Candle(models.Model):
    """Open, high, low, close of one stretch of time. An open one is replaced until it is closed.

    `synthetic`: no trade is known in it, its prices are carried on or sampled. `pieces`: empty for a candle as
    published; of one that Charon rolled up, how many of its five-minute stretches are known (0: an earlier release did
    not count). `partial`: some of them are not. No signal is based on a synthetic or a partial one.
    """

    instrument = models.ForeignKey(Instrument, models.CASCADE, db_index=False, verbose_name=_("instrument"))
    source = models.ForeignKey(Source, models.CASCADE, db_index=False, verbose_name=_("źródło"))
    timeframe = models.CharField(_("interwał"), max_length=4)
    open_time = models.DateTimeField(_("początek"))
    open = models.DecimalField(_("otwarcie"), max_digits=20, decimal_places=10)
    high = models.DecimalField(_("najwyższa"), max_digits=20, decimal_places=10)
    low = models.DecimalField(_("najniższa"), max_digits=20, decimal_places=10)
    close = models.DecimalField(_("zamknięcie"), max_digits=20, decimal_places=10)
    volume = models.DecimalField(_("obrót"), max_digits=30, decimal_places=10, null=True)
    trades = models.PositiveIntegerField(_("transakcje"), default=0)
    closed = models.BooleanField(_("zamknięta"), default=True)
    synthetic = models.BooleanField(_("bez transakcji"), default=False)
    partial = models.BooleanField(_("niepełna"), default=False, db_default=False)
    pieces = models.PositiveSmallIntegerField(_("znane pięciominutówki"), null=True)

    class Meta:
        verbose_name = _("świeca")
        verbose_name_plural = _("świece")
        constraints = [
            models.UniqueConstraint(
                fields=["instrument", "timeframe", "source", "open_time"], name="one_candle_a_stretch"
            ),
            models.CheckConstraint(
                condition=Q(low__gt=0, low__lte=F("open"), high__gte=F("open"))
                & Q(low__lte=F("close"), high__gte=F("close")),
                name="candle_holds_its_prices",
            ),
        ]
        indexes = [models.Index(fields=["timeframe", "open_time"], name="candle_age")]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.timeframe} {self.open_time}"
