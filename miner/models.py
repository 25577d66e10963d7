"""The miner's tables: the queue, each listing's state, spent calls, polls and leases.

`error_message` is the message that the error beside it is the English of (`markets.messages`); null where there is no
error, and in rows of a release before it.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _

from markets import messages
from markets.models import Listing, Source


class QueueItem(models.Model):
    """A listing that waits for its turn; once at most. The lowest number is served first, the oldest of equals.

    A worker claims it for a while: when that is over and the row still there, the worker died and another takes it.
    """

    listing = models.OneToOneField(Listing, models.CASCADE, verbose_name=_("symbol"))
    priority = models.PositiveSmallIntegerField(_("priorytet"), choices=Listing.Priority)
    enqueued_at = models.DateTimeField(_("w kolejce od"))
    retry_count = models.PositiveSmallIntegerField(_("ponowienia"), default=0)
    last_error = models.CharField(_("ostatni błąd"), max_length=500, blank=True)
    error_message = models.JSONField(_("błąd: kod"), null=True, blank=True, editable=False)
    claimed_until = models.DateTimeField(_("zajęte do"), null=True, blank=True)

    class Meta:
        verbose_name = _("pozycja kolejki")
        verbose_name_plural = _("kolejka priorytetów")
        ordering = ["priority", "enqueued_at", "pk"]

    def __str__(self) -> str:
        return f"{self.listing_id} ({self.priority})"

    @property
    def error_shown(self) -> str:
        """In the language that is on. An older release clears the text alone."""
        return messages.shown(self.last_error, self.error_message) if self.last_error else ""


class QueueCounters(models.Model):
    """What has gone through the queue since it was made; one row."""

    enqueued = models.PositiveBigIntegerField(default=0)
    processed = models.PositiveBigIntegerField(default=0)
    dropped = models.PositiveBigIntegerField(default=0)

    class Meta:
        db_table = "miner_queuetally"

    def __str__(self) -> str:
        return f"{self.processed} of {self.enqueued}"


class SyncStatus(models.Model):
    """How a listing is doing at its source. `stale` is never stored: it follows from the age of the last success."""

    class State(models.TextChoices):
        PENDING = "pending", _("oczekuje")
        IN_PROGRESS = "in_progress", _("w toku")
        SUCCESS = "success", _("udane")
        FAILED = "failed", _("nieudane")
        STALE = "stale", _("nieaktualne")

    listing = models.OneToOneField(Listing, models.CASCADE, related_name="sync", verbose_name=_("symbol"))
    state = models.CharField(_("stan"), max_length=12, choices=State, default=State.PENDING)
    reason = models.CharField(_("powód"), max_length=40, blank=True)
    error = models.CharField(_("błąd"), max_length=500, blank=True)
    error_message = models.JSONField(_("błąd: kod"), null=True, blank=True, editable=False)
    last_attempt_at = models.DateTimeField(_("ostatnia próba"), null=True, blank=True)
    last_success_at = models.DateTimeField(_("ostatni sukces"), null=True, blank=True)
    # Its past is brought once, and asked for until then; all three stay as they are where the source keeps none.
    past_at = models.DateTimeField(_("historia pobrana"), null=True, blank=True)
    past_asked_at = models.DateTimeField(_("historię ostatnio zlecono"), null=True, blank=True)
    past_tries = models.PositiveIntegerField(_("próby pobrania historii"), default=0)

    class Meta:
        verbose_name = _("stan symbolu")
        verbose_name_plural = _("stany symboli")
        ordering = ["listing__priority", "pk"]

    def __str__(self) -> str:
        return f"{self.listing_id} {self.state}"

    @property
    def error_shown(self) -> str:
        """In the language that is on. An older release clears the text alone."""
        return messages.shown(self.error, self.error_message) if self.error else ""


class Spent(models.Model):
    """Calls (or weight) that went to a source in its running window, by all processes of this house together.

    `takes`: [[seconds since 1970, calls], ...], oldest first, of the window alone.
    """

    source = models.OneToOneField(Source, models.CASCADE, verbose_name=_("źródło"))
    takes = models.JSONField(default=list)
    blocked_until = models.DateTimeField(_("wstrzymane przez źródło do"), null=True, blank=True)
    # What a window allows as the source itself said, and when it was asked.
    allowed = models.PositiveIntegerField(_("limit podany przez źródło"), null=True, blank=True)
    allowed_at = models.DateTimeField(_("limit sprawdzony"), null=True, blank=True)
    # Beats that failed one after the other: each makes the rest after it longer.
    failures = models.PositiveIntegerField(_("niepowodzenia z rzędu"), default=0)
    total_calls = models.PositiveBigIntegerField(_("zapytania razem"), default=0)
    total_waits = models.PositiveBigIntegerField(_("czekania razem"), default=0)

    class Meta:
        verbose_name = _("budżet zapytań")
        verbose_name_plural = _("budżety zapytań")

    def __str__(self) -> str:
        return f"{self.source_id}: {self.total_calls}"


class Poll(models.Model):
    """One poll, whoever starts it (pulse or the timetable), and how it last went; its worker records it."""

    name = models.CharField(_("nazwa"), max_length=60, unique=True)
    every = models.PositiveIntegerField(_("co ile sekund"))
    asked_at = models.DateTimeField(_("ostatnio zlecono"), null=True, blank=True)
    done_at = models.DateTimeField(_("ostatnio udane"), null=True, blank=True)
    error = models.CharField(_("błąd"), max_length=500, blank=True)
    error_message = models.JSONField(_("błąd: kod"), null=True, blank=True, editable=False)

    class Meta:
        db_table = "miner_beat"
        verbose_name = _("cykliczne zapytanie")
        verbose_name_plural = _("cykliczne zapytania")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def error_shown(self) -> str:
        """In the language that is on. An older release clears the text alone."""
        return messages.shown(self.error, self.error_message) if self.error else ""


class Lease(models.Model):
    """Who alone may do something in this house, and until when; a holder that dies is followed when it runs out."""

    name = models.CharField(_("nazwa"), max_length=40, unique=True)
    holder = models.CharField(_("kto"), max_length=120, blank=True)
    until = models.DateTimeField(_("do"), null=True, blank=True)

    class Meta:
        verbose_name = _("wyłączność")
        verbose_name_plural = _("wyłączności")

    def __str__(self) -> str:
        return f"{self.name}: {self.holder}"
