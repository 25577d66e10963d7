"""The outbox: what arrived for whom, until its consumer has worked it off."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from markets.models.jobs import Job
from markets.models.sources import Instrument


class OutboxEvent(models.Model):
    """News of one series for one consumer, written in the transaction of the rows that it speaks of.

    Open (not claimed): writers widen it, so there is one row an instrument, kind and consumer. Claimed: a pass works on
    it and writers leave it alone; after `claimed_until` another pass may take it. Processed: done. A row never becomes
    open again: a claim that failed or was lost has an expired `claimed_until`.
    """

    class Consumer(models.TextChoices):
        ENGINE = "engine", _("silnik sygnałów")
        ALERTS = "alerts", _("alerty")

    instrument = models.ForeignKey(Instrument, models.CASCADE, verbose_name=_("instrument"))
    # rate, gold, price, or candle:<timeframe>.
    kind = models.CharField(_("rodzaj"), max_length=12)
    consumer = models.CharField(_("odbiorca"), max_length=8, choices=Consumer, default=Consumer.ENGINE)
    # The first and the last bar: midnight (UTC) of a day, the opening time of a candle.
    from_time = models.DateTimeField(_("od"), db_column="from_date")
    to_time = models.DateTimeField(_("do"), db_column="to_date")
    rows = models.PositiveIntegerField(_("wiersze"))
    # When the first of the rows came; null in what an earlier release wrote.
    opened_at = models.DateTimeField(_("czeka od"), null=True, editable=False)
    # The last job that widened the row; prices and candles may come without one.
    job = models.ForeignKey(
        Job, models.SET_NULL, null=True, blank=True, related_name="outbox_events", verbose_name=_("zadanie")
    )
    claimed_by = models.CharField(_("przetwarza"), max_length=120, blank=True, default="")
    claimed_until = models.DateTimeField(_("zajęte do"), null=True, blank=True)
    processed = models.DateTimeField(_("przetworzono"), null=True, blank=True)
    tries = models.PositiveSmallIntegerField(_("próby"), default=0)
    error = models.TextField(_("błąd"), blank=True)

    class Meta:
        db_table = "markets_ingest"
        verbose_name = _("pozycja kolejki przeliczeń")
        verbose_name_plural = _("kolejka przeliczeń")
        constraints = [
            models.UniqueConstraint(
                fields=["instrument", "kind", "consumer"],
                condition=Q(claimed_until=None, processed=None),
                name="one_open_event",
            )
        ]
        indexes = [models.Index(fields=["consumer", "instrument"], condition=Q(processed=None), name="open_events")]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.kind} {self.from_time:%Y-%m-%d}…{self.to_time:%Y-%m-%d}"
