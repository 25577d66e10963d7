"""Since when archives' figures are known, and what operators set beside the published figures."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from markets.decimals import published
from markets.models.sources import Instrument, Source


class ArchiveReading(models.Model):
    """Days that an archive brought at one moment: its figures have no publication that would say so.

    One row a window and not one a figure. A row of Rate keeps its id when the official figure replaces the archive's in
    place, and the family has one writer at a time: what has an id up to `last_rate` was there at `read_at`.
    """

    source = models.ForeignKey(Source, models.CASCADE, related_name="readings", verbose_name=_("źródło"))
    edition = models.CharField(_("wydanie"), max_length=60, blank=True)
    from_day = models.DateField(_("od dnia"))
    to_day = models.DateField(_("do dnia"))
    last_rate = models.PositiveBigIntegerField(_("ostatni kurs"))
    read_at = models.DateTimeField(_("wczytano"))

    class Meta:
        verbose_name = _("odczyt archiwum")
        verbose_name_plural = _("odczyty archiwum")
        ordering = ["source", "read_at", "id"]

    def __str__(self) -> str:
        return f"{self.source_id} {self.from_day} – {self.to_day}"


class Override(models.Model):
    """A figure that an operator set, with author and reason: beside what was published, which it never changes.

    A row is never edited: one that was wrong is withdrawn. Tax rules never read this table.
    """

    TABLES = ("A", "B", "C", "gold", "eurofxref")

    instrument = models.ForeignKey(Instrument, models.PROTECT, related_name="overrides", verbose_name=_("instrument"))
    table = models.CharField(_("tabela"), max_length=12, choices=[(table, table) for table in TABLES])
    effective_date = models.DateField(_("z dnia"))
    mid = models.DecimalField(_("kurs średni"), max_digits=20, decimal_places=10, null=True, blank=True)
    bid = models.DecimalField(_("kupno"), max_digits=20, decimal_places=10, null=True, blank=True)
    ask = models.DecimalField(_("sprzedaż"), max_digits=20, decimal_places=10, null=True, blank=True)
    scale = models.PositiveSmallIntegerField(_("miejsca po przecinku"), editable=False)
    author = models.CharField(_("autor"), max_length=150, editable=False)
    reason = models.CharField(_("uzasadnienie"), max_length=300)
    created_at = models.DateTimeField(_("wpisano"), editable=False)
    withdrawn_at = models.DateTimeField(_("wycofano"), null=True, editable=False)
    withdrawn_by = models.CharField(_("wycofał(a)"), max_length=150, blank=True, editable=False)

    class Meta:
        verbose_name = _("kurs wpisany ręcznie")
        verbose_name_plural = _("kursy wpisane ręcznie")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["instrument", "table", "effective_date"],
                condition=Q(withdrawn_at=None),
                name="one_override_a_figure",
            ),
            # As of a Rate: NULL > 0 is unknown, and a CHECK lets the unknown pass.
            models.CheckConstraint(
                condition=Q(mid__isnull=False, mid__gt=0, bid__isnull=True, ask__isnull=True)
                | Q(mid__isnull=True, bid__isnull=False, bid__gt=0, ask__isnull=False, ask__gte=F("bid")),
                name="override_is_positive",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.table} {self.effective_date}"

    def published(self, name: str) -> Decimal | None:
        """`mid`, `bid` or `ask` with the decimals that were typed."""
        return published(getattr(self, name), self.scale)
