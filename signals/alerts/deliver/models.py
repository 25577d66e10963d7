"""Where alerts are told (channels), what is on its way (deliveries), each try of it, and when nothing is told."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Channel(models.Model):
    """A receiver of messages. `sealed` is its configuration, encrypted: addresses and keys are never read back.

    `target` is what may be shown of it. `kinds`: the kinds of alerts that it is told, all of them if empty.
    `escalates_to` is told when nobody has acknowledged within 15 minutes, and again after 60. `failures`: deliveries
    that failed one after another; `failing_since`: the first failed try since one succeeded; `canary_ms` how long the
    last daily test took.
    """

    class Language(models.TextChoices):
        POLISH = "pl", "polski"
        ENGLISH = "en", "English"

    name = models.CharField(_("nazwa"), max_length=80, unique=True)
    kind = models.CharField(_("rodzaj"), max_length=20)
    sealed = models.TextField(editable=False, blank=True)
    target = models.CharField(_("dokąd"), max_length=200, blank=True, editable=False)
    enabled = models.BooleanField(_("włączony"), default=True)
    kinds = models.JSONField(_("rodzaje alertów"), default=list, blank=True)
    language = models.CharField(_("język"), max_length=2, choices=Language, default=Language.POLISH)
    quiet_from = models.TimeField(_("cisza od"), null=True, blank=True)
    quiet_until = models.TimeField(_("cisza do"), null=True, blank=True)
    escalates_to = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("eskalacja do")
    )
    is_fallback = models.BooleanField(_("tylko eskalacje"), default=False)
    failures = models.PositiveIntegerField(_("kolejne niepowodzenia"), default=0, editable=False)
    failing_since = models.DateTimeField(_("bez powodzenia od"), null=True, editable=False)
    broken_since = models.DateTimeField(_("nie działa od"), null=True, editable=False)
    canary_at = models.DateTimeField(_("ostatnia próba"), null=True, editable=False)
    canary_ms = models.PositiveIntegerField(_("czas próby (ms)"), null=True, editable=False)
    created_at = models.DateTimeField(_("utworzono"), editable=False)

    class Meta:
        verbose_name = _("kanał alertów")
        verbose_name_plural = _("kanały alertów")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Delivery(models.Model):
    """One message of one event for one channel; sent at least once, with the same `key` in every try.

    `step`: what of the event it tells (`fired`, `escalated`, `escalated_again`, `resolved`), or what has no event
    (`canary`, `test`). `due_at`: when it is next looked at, for one that is being sent the end of its lease. `held`:
    why it waits until then (a group, a storm, quiet hours). Deliveries that went out as one message name the one whose
    key that had in `lead`, which keeps the message in `message`. `first_try_at`: from when the back-off counts.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("czeka")
        SENDING = "sending", _("wysyłane")
        RETRY = "retry", _("będzie ponowione")
        SENT = "sent", _("wysłane")
        DEAD = "dead", _("nie doszło")
        SILENCED = "silenced", _("wyciszone")
        CANCELLED = "cancelled", _("niepotrzebne")

    class Step(models.TextChoices):
        FIRED = "fired", _("alert")
        ESCALATED = "escalated", _("eskalacja")
        ESCALATED_AGAIN = "escalated_again", _("druga eskalacja")
        RESOLVED = "resolved", _("koniec alertu")
        CANARY = "canary", _("codzienna próba")
        TEST = "test", _("wiadomość próbna")

    class Held(models.TextChoices):
        GROUP = "group", _("zbierane w jedną wiadomość")
        STORM = "storm", _("zbyt wiele na raz")
        QUIET = "quiet", _("cisza")

    OPEN = (State.PENDING, State.SENDING, State.RETRY)

    key = models.UUIDField(_("klucz"), unique=True, editable=False)
    channel = models.ForeignKey(Channel, models.CASCADE, related_name="deliveries", verbose_name=_("kanał"))
    event = models.ForeignKey(
        "alerts.AlertEvent", models.CASCADE, null=True, related_name="deliveries", verbose_name=_("alert")
    )
    step = models.CharField(_("co"), max_length=20, choices=Step)
    cause = models.CharField(_("przyczyna"), max_length=160, blank=True)
    critical = models.BooleanField(_("pilne"), default=False)
    state = models.CharField(_("stan"), max_length=10, choices=State, default=State.PENDING)
    held = models.CharField(_("wstrzymane"), max_length=6, choices=Held, blank=True)
    due_at = models.DateTimeField(_("termin"))
    tries = models.PositiveSmallIntegerField(_("próby"), default=0)
    lease_until = models.DateTimeField(_("zajęte do"), null=True)
    lead = models.ForeignKey("self", models.SET_NULL, null=True, related_name="members", verbose_name=_("w wiadomości"))
    message = models.JSONField(_("wiadomość"), null=True)
    error = models.CharField(_("błąd"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("utworzono"))
    first_try_at = models.DateTimeField(_("pierwsza próba"), null=True)
    sent_at = models.DateTimeField(_("wysłano"), null=True)

    class Meta:
        verbose_name = _("wiadomość")
        verbose_name_plural = _("wiadomości")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(state__in=["pending", "sending", "retry"]), name="delivery_open"
            ),
            models.Index(fields=["channel", "-sent_at"], name="delivery_of_channel"),
            models.Index(fields=["channel", "first_try_at"], name="delivery_tried"),
            models.Index(fields=["-created_at", "-id"], name="delivery_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.get_step_display()} {self.key}"


class Attempt(models.Model):
    """One try to send one message. `status` is the HTTP status, 0 where there was none."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="attempts", verbose_name=_("wiadomość"))
    number = models.PositiveSmallIntegerField(_("która"))
    started_at = models.DateTimeField(_("początek"))
    milliseconds = models.PositiveIntegerField(_("czas (ms)"))
    status = models.PositiveSmallIntegerField(_("odpowiedź"), default=0)
    ok = models.BooleanField(_("doszło"))
    error = models.CharField(_("błąd"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("próba wysłania")
        verbose_name_plural = _("próby wysłania")
        ordering = ["-started_at", "-id"]

    def __str__(self) -> str:
        return f"{self.delivery_id} {self.number}"


class Sending(models.Model):
    """The one task that sends; one row. `holder` has the turn until `lease_until`.

    `counts`: deliveries by kind of channel and state, for the metrics.
    """

    holder = models.CharField(_("kto"), max_length=40, blank=True)
    lease_until = models.DateTimeField(_("zajęte do"), null=True)
    counts = models.JSONField(_("wiadomości"), default=dict)

    class Meta:
        verbose_name = _("wysyłanie")
        verbose_name_plural = _("wysyłanie")

    def __str__(self) -> str:
        return self.holder


class Silence(models.Model):
    """Until when nothing is told of what matches; what is left empty matches everything. Events are written all the
    same."""

    kind = models.CharField(_("rodzaj alertów"), max_length=20, blank=True)
    instrument = models.ForeignKey(
        "markets.Instrument", models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("instrument")
    )
    rule = models.ForeignKey(
        "alerts.AlertRule", models.CASCADE, null=True, blank=True, related_name="silences", verbose_name=_("reguła")
    )
    channel = models.ForeignKey(
        Channel, models.CASCADE, null=True, blank=True, related_name="silences", verbose_name=_("kanał")
    )
    begins_at = models.DateTimeField(_("od"))
    until = models.DateTimeField(_("do"))
    author = models.CharField(_("kto"), max_length=80, editable=False)
    comment = models.CharField(_("dlaczego"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("wyciszenie")
        verbose_name_plural = _("wyciszenia")
        ordering = ["-until", "-id"]

    def __str__(self) -> str:
        return f"{self.kind or '*'} {self.until:%Y-%m-%d %H:%M}"
