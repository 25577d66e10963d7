"""Official figures, the publications they stand in, and what was corrected later."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from markets import clock
from markets.decimals import published
from markets.models.querysets import RateQuerySet
from markets.models.sources import Instrument, Source


class Publication(models.Model):
    """One official table of one day, with its proof.

    `sha256` is taken over the exact bytes of that table's own element in the provider's answer: for JSON from its
    opening to its closing brace, for whatever came around it (docs/data-model.md has the recipe).
    """

    source = models.ForeignKey(Source, models.PROTECT, verbose_name=_("źródło"))
    table = models.CharField(_("tabela"), max_length=12)
    number = models.CharField(_("numer"), max_length=40, blank=True)
    effective_date = models.DateField(_("z dnia"))
    trading_date = models.DateField(_("dzień notowania"), null=True, blank=True)
    url = models.URLField(_("adres"), max_length=300)
    sha256 = models.CharField("SHA-256", max_length=64)
    # `fetched_at` is of the bytes that the row holds now, `first_fetched_at` of the first ones, which a correction
    # does not move: since then a figure of this day was known.
    first_fetched_at = models.DateTimeField(_("pobrano pierwszy raz"), default=clock.now)
    fetched_at = models.DateTimeField(_("pobrano"))
    job = models.ForeignKey("markets.Job", models.SET_NULL, null=True, verbose_name=_("zadanie"))

    class Meta:
        verbose_name = _("publikacja")
        verbose_name_plural = _("publikacje")
        ordering = ["-effective_date", "table"]
        constraints = [
            models.UniqueConstraint(fields=["source", "table", "effective_date"], name="one_publication_a_day"),
        ]

    def __str__(self) -> str:
        return self.number or f"{self.table} {self.effective_date}"


class Rate(models.Model):
    """One published figure: PLN for one unit (a mid, or bid and ask of table C)."""

    # No keys in the database: PostgreSQL's check of every row took a fifth of an import. See migration 0005.
    instrument = models.ForeignKey(
        Instrument,
        models.PROTECT,
        related_name="rates",
        db_index=False,
        db_constraint=False,
        verbose_name=_("instrument"),
    )
    source = models.ForeignKey(Source, models.PROTECT, db_index=False, db_constraint=False, verbose_name=_("źródło"))
    table = models.CharField(_("tabela"), max_length=12)
    effective_date = models.DateField(_("z dnia"))
    mid = models.DecimalField(_("kurs średni"), max_digits=20, decimal_places=10, null=True)
    bid = models.DecimalField(_("kupno"), max_digits=20, decimal_places=10, null=True)
    ask = models.DecimalField(_("sprzedaż"), max_digits=20, decimal_places=10, null=True)
    scale = models.PositiveSmallIntegerField(_("miejsca po przecinku"))
    publication = models.ForeignKey(
        Publication, models.PROTECT, null=True, related_name="rates", db_index=False, verbose_name=_("publikacja")
    )

    objects = RateQuerySet["Rate"].as_manager()

    class Meta:
        verbose_name = _("kurs")
        verbose_name_plural = _("kursy")
        constraints = [
            # The date stands before the instrument so that the same index finds a whole table of a day.
            models.UniqueConstraint(
                fields=["source", "table", "effective_date", "instrument"], name="one_figure_a_day"
            ),
            # NULL > 0 is unknown, and a CHECK lets the unknown pass: presence is asked for as well.
            models.CheckConstraint(
                condition=Q(mid__isnull=False, mid__gt=0)
                | Q(mid__isnull=True, bid__isnull=False, bid__gt=0, ask__isnull=False, ask__gte=F("bid")),
                name="figure_is_positive",
            ),
        ]
        # A series is read across the archive, A and B in the order of days.
        indexes = [models.Index(fields=["instrument", "effective_date", "table"], name="rate_series")]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.effective_date} {self.mid or self.bid}"

    def published(self, name: str) -> Decimal | None:
        """`mid`, `bid` or `ask` with the decimals it was published with."""
        return published(getattr(self, name), self.scale)


class OfCurrencies(models.Manager["Instrument"]):
    def get_queryset(self) -> models.QuerySet["Instrument"]:
        return super().get_queryset().filter(kind=Instrument.Kind.CURRENCY)


class Currency(Instrument):
    """Instruments of kind currency."""

    objects = OfCurrencies()  # type: ignore[assignment, misc]  # a proxy narrows its base's manager

    class Meta:
        proxy = True
        verbose_name = _("waluta")
        verbose_name_plural = _("waluty")


class OfGold(models.Manager["Rate"]):
    def get_queryset(self) -> "RateQuerySet[Rate]":
        return RateQuerySet(self.model, using=self._db).filter(table="gold")


class GoldPrice(Rate):
    """PLN for one gram of gold, 1000 fine."""

    objects = OfGold()  # type: ignore[assignment, misc]

    class Meta:
        proxy = True
        verbose_name = _("cena złota")
        verbose_name_plural = _("ceny złota")


class Revision(models.Model):
    """A figure whose source gave another value later; for NBP also the archive's figure that the official one replaced.

    Both values, and number and sha256 of both publications: the row of the publication itself holds the newest.
    `notation`: both values are equal and only the number of digits differs (366.90 and 366.9). Releases up to 2026-11
    wrote such rows; they stay, and nothing shows or counts them.
    """

    rate = models.ForeignKey(Rate, models.CASCADE, related_name="revisions", verbose_name=_("kurs"))
    old_source = models.ForeignKey(Source, models.PROTECT, related_name="+", verbose_name=_("poprzednie źródło"))
    new_source = models.ForeignKey(Source, models.PROTECT, related_name="+", verbose_name=_("nowe źródło"))
    old_mid = models.DecimalField(max_digits=20, decimal_places=10, null=True)
    old_bid = models.DecimalField(max_digits=20, decimal_places=10, null=True)
    old_ask = models.DecimalField(max_digits=20, decimal_places=10, null=True)
    old_scale = models.PositiveSmallIntegerField()
    new_mid = models.DecimalField(max_digits=20, decimal_places=10, null=True)
    new_bid = models.DecimalField(max_digits=20, decimal_places=10, null=True)
    new_ask = models.DecimalField(max_digits=20, decimal_places=10, null=True)
    new_scale = models.PositiveSmallIntegerField()
    old_number = models.CharField(max_length=40, blank=True)
    new_number = models.CharField(max_length=40, blank=True)
    old_sha256 = models.CharField(max_length=64, blank=True)
    new_sha256 = models.CharField(max_length=64, blank=True)
    seen_at = models.DateTimeField(_("zauważono"))
    job = models.ForeignKey("markets.Job", models.SET_NULL, null=True, verbose_name=_("zadanie"))
    notation = models.BooleanField(_("tylko zapis"), default=False, db_default=False, editable=False)

    class Meta:
        verbose_name = _("korekta")
        verbose_name_plural = _("korekty")
        ordering = ["-seen_at", "-id"]
        indexes = [models.Index(fields=["-seen_at", "-id"], name="revision_newest")]

    def __str__(self) -> str:
        return f"{self.rate_id}: {self.old_mid or self.old_bid} → {self.new_mid or self.new_bid}"
