"""What was done (jobs_log)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from markets import messages
from markets.models.sources import Source


class Job(models.Model):
    """One run. The row is written before the work starts; a running one holds a lease that its worker renews."""

    class Status(models.TextChoices):
        RUNNING = "running", _("w toku")
        SUCCESS = "success", _("udane")
        SKIPPED = "skipped", _("pominięte")
        FAILED = "failed", _("nieudane")

    class Trigger(models.TextChoices):
        SCHEDULE = "schedule", _("harmonogram")
        WINDOW = "window", _("okno publikacji")
        START = "start", _("start systemu")
        COMMAND = "command", _("polecenie")
        OPERATOR = "operator", _("operator")

    class Reason(models.TextChoices):
        """Why a run ended as it did, for those that did not simply succeed."""

        UP_TO_DATE = "up_to_date", _("nic nowego")
        WEEKEND = "weekend", _("weekend, brak notowań")
        HOLIDAY = "holiday", _("dzień wolny, brak notowań")
        NOT_YET = "not_yet", _("jeszcze nie opublikowano")
        SILENT = "silent", _("od wielu dni nic nie opublikowano")
        UNREACHABLE = "unreachable", _("źródło nieosiągalne")
        REFUSED = "refused", _("źródło odmówiło")
        UNREADABLE = "unreadable", _("nieczytelna odpowiedź źródła")
        EXPECTED_DATA = "expected_data", _("brak danych, które powinny istnieć")
        NO_KEY = "no_key", _("brak klucza API lub klucz odrzucony")
        BLOCKED = "blocked", _("źródło zablokowane w tym kraju")
        NO_PLAN = "no_plan", _("plan u dostawcy tego nie obejmuje")
        BUDGET = "budget", _("limit zapytań wyczerpany")
        ENVIRONMENT = "environment", _("niezrozumiała zmienna środowiska")
        STORAGE = "storage", _("nie udało się zapisać w bazie")
        FIGURES_REFUSED = "figures_refused", _("odrzucono zbyt wiele wartości")
        LOST = "lost", _("proces zniknął w trakcie pracy")
        TIMED_OUT = "timed_out", _("przekroczono czas jednego zadania")
        STOPPED = "stopped", _("przerwane: zatrzymanie systemu albo operator")
        ERROR = "error", _("błąd programu")

    job_type = models.CharField(_("zadanie"), max_length=60)
    source = models.ForeignKey(Source, models.CASCADE, null=True, verbose_name=_("źródło"))
    status = models.CharField(_("stan"), max_length=10, choices=Status, default=Status.RUNNING)
    trigger = models.CharField(_("uruchomienie"), max_length=10, choices=Trigger, default=Trigger.SCHEDULE)
    reason = models.CharField(_("powód"), max_length=20, choices=Reason, blank=True)
    started_at = models.DateTimeField(_("początek"))
    finished_at = models.DateTimeField(_("koniec"), null=True, blank=True)
    rows_written = models.PositiveIntegerField(_("zapisane wiersze"), default=0)
    revised = models.PositiveIntegerField(_("poprawione"), default=0)
    refused = models.PositiveIntegerField(_("odrzucone"), default=0)
    requests = models.PositiveIntegerField(_("zapytania"), default=0)
    retries = models.PositiveIntegerField(_("ponowienia"), default=0)
    waited_seconds = models.FloatField(_("czas czekania (s)"), default=0)
    windows = models.PositiveIntegerField(_("zakresy dat"), default=0)
    windows_done = models.PositiveIntegerField(_("wczytane zakresy dat"), default=0)
    reached = models.DateField(_("wczytano do"), null=True, blank=True)
    repeats = models.PositiveIntegerField(_("powtórzenia"), default=0)
    notes = models.JSONField(_("uwagi"), default=list, blank=True)
    # The messages that `notes` and `error` are the English of (`markets.messages`); null before there were any.
    note_messages = models.JSONField(_("uwagi: kody"), null=True, blank=True, editable=False)
    # What one kind of work counts beside the columns: polls and errors of an hour, the fields of a batch.
    details = models.JSONField(_("szczegóły"), default=dict, blank=True)
    error = models.TextField(_("błąd"), blank=True)
    error_message = models.JSONField(_("błąd: kod"), null=True, blank=True, editable=False)
    worker = models.CharField(_("proces"), max_length=120, blank=True)
    lease_until = models.DateTimeField(_("zajęte do"), null=True, blank=True)

    class Meta:
        verbose_name = _("zadanie")
        verbose_name_plural = _("zadania")
        ordering = ["-started_at", "-id"]
        indexes = [models.Index(fields=["-started_at", "-id"], name="job_newest")]
        constraints = [
            # Two miners at once: the second is refused by the database, not by good luck.
            models.UniqueConstraint(fields=["job_type"], condition=Q(status="running"), name="one_run_at_a_time"),
        ]

    def __str__(self) -> str:
        return f"{self.job_type}: {self.get_status_display()}"

    @property
    def duration_seconds(self) -> float | None:
        return None if self.finished_at is None else (self.finished_at - self.started_at).total_seconds()

    @property
    def error_shown(self) -> str:
        """In the language that is on."""
        return messages.shown(self.error, self.error_message)

    @property
    def notes_shown(self) -> list[str]:
        return messages.shown_all(self.notes, self.note_messages)
