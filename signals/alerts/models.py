"""What is watched (rules), where each rule stands (states), and what happened (events)."""

from decimal import Decimal
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from markets.models import Instrument, Source
from signals.alerts.deliver.models import Attempt as Attempt  # Django finds the models of an app here
from signals.alerts.deliver.models import Channel as Channel
from signals.alerts.deliver.models import Delivery as Delivery
from signals.alerts.deliver.models import Sending as Sending
from signals.alerts.deliver.models import Silence as Silence

PERCENT: dict[str, Any] = {"max_digits": 9, "decimal_places": 4}
PRICE: dict[str, Any] = {"max_digits": 20, "decimal_places": 10}
POSITIVE = MinValueValidator(Decimal("0.0001"))


class AlertNumber(models.Model):
    """Rules and events count on one row of numbers: whoever names the wrong one gets neither."""


def next_number() -> int:
    return AlertNumber.objects.create().pk


class Kind(models.TextChoices):
    MOVE = "move", _("zmiana ceny")
    LEVEL = "level", _("poziom ceny")
    SIGNAL = "signal", _("nowy sygnał")
    RATING = "rating", _("ocena")
    SOURCE_STALE = "source_stale", _("źródło milczy")
    PUBLICATION_LATE = "publication_late", _("tabela się spóźnia")
    GAP = "gap", _("luka w danych")
    DISK = "disk", _("mało miejsca na dysku")
    QUEUE_AGE = "queue_age", _("kolejka stoi")
    CHANNEL_BROKEN = "channel_broken", _("kanał nie działa")


# What anybody may watch; the others tell operators of the installation itself.
PUBLIC_KINDS = (Kind.MOVE, Kind.LEVEL, Kind.SIGNAL, Kind.RATING)


class Direction(models.TextChoices):
    UP = "up", _("w górę")
    DOWN = "down", _("w dół")
    BOTH = "both", _("w obie strony")


class AlertRule(models.Model):
    """What is watched. `move`: N % within M minutes. `level`: a price is crossed. `signal`: the label of a signal rule
    turns. `rating`: the rating crosses `level`. The other kinds watch the installation.

    Without an instrument it watches all that is followed. `source`: whose prices; chosen when the rule is made, since
    a window never mixes sources. `automatic`: made from the settings or for the channels, not by anybody.
    """

    id = models.BigIntegerField(primary_key=True, default=next_number, editable=False)
    kind = models.CharField(_("rodzaj"), max_length=20, choices=Kind, default=Kind.MOVE)
    name = models.CharField(_("nazwa"), max_length=80, blank=True)
    instrument = models.ForeignKey(
        Instrument, models.CASCADE, null=True, blank=True, related_name="alert_rules", verbose_name=_("instrument")
    )
    source = models.ForeignKey(Source, models.SET_NULL, null=True, blank=True, verbose_name=_("źródło"))
    window_minutes = models.PositiveIntegerField(_("okno (min)"), null=True, blank=True)
    threshold_pct = models.DecimalField(
        _("próg (%)"), **PERCENT, null=True, blank=True, validators=[POSITIVE, MaxValueValidator(1000)]
    )
    direction = models.CharField(_("kierunek"), max_length=4, choices=Direction, default=Direction.BOTH)
    level = models.DecimalField(_("poziom"), **PRICE, null=True, blank=True)
    rule = models.CharField(_("reguła sygnału"), max_length=60, blank=True)
    timeframe = models.CharField(_("interwał"), max_length=4, blank=True)
    hysteresis_pct = models.DecimalField(_("histereza (%)"), **PERCENT, null=True, blank=True)
    cooldown_minutes = models.PositiveIntegerField(_("przerwa (min)"), default=60)
    enabled = models.BooleanField(_("włączona"), default=True)
    automatic = models.BooleanField(_("z ustawień"), default=False, editable=False)
    created_by = models.CharField(_("kto"), max_length=80, blank=True, editable=False)
    created_at = models.DateTimeField(_("utworzono"), editable=False)
    # When what it watches was last another, or it was switched on: decisions from before are no news to it.
    begun_at = models.DateTimeField(_("obserwuje od"), null=True, editable=False)

    class Meta:
        verbose_name = _("reguła alertu")
        verbose_name_plural = _("reguły alertów")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["kind"], condition=Q(automatic=True), name="one_automatic_rule_a_kind")
        ]

    def __str__(self) -> str:
        return self.name or f"{self.kind} {self.pk}"


class AlertSeries(models.Model):
    """How far the prices of one instrument at one source have been looked at.

    `steady_since`: the first price after which there was no silence; `refilling`: there had been one, so nothing fires
    before a window is full again.
    """

    instrument = models.ForeignKey(Instrument, models.CASCADE, verbose_name=_("instrument"))
    source = models.ForeignKey(Source, models.CASCADE, verbose_name=_("źródło"))
    seen = models.DateTimeField(_("ostatnia obserwacja"))
    steady_since = models.DateTimeField(_("bez przerwy od"))
    refilling = models.BooleanField(_("po przerwie"), default=False)

    class Meta:
        verbose_name = _("szereg pod obserwacją")
        verbose_name_plural = _("szeregi pod obserwacją")
        constraints = [models.UniqueConstraint(fields=["instrument", "source"], name="one_watch_a_series")]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.source_id} {self.seen:%Y-%m-%d %H:%M}"


class AlertState(models.Model):
    """Where a rule stands on one subject: the code of an instrument, or what of the installation is watched.

    Written only when it changes. `side`: on which side of a level the price was last; the last label of a signal.
    `seen_at`: the newest bar that a rule about decisions has looked at. `error`: why the rule could not be evaluated.
    """

    class State(models.TextChoices):
        ARMED = "armed", _("czeka")
        FIRING = "firing", _("trwa")
        SUSPENDED = "suspended", _("wstrzymana")

    rule = models.ForeignKey(AlertRule, models.CASCADE, related_name="states", verbose_name=_("reguła"))
    subject = models.CharField(_("czego dotyczy"), max_length=120)
    instrument = models.ForeignKey(Instrument, models.CASCADE, null=True, verbose_name=_("instrument"))
    source = models.ForeignKey(Source, models.SET_NULL, null=True, verbose_name=_("źródło"))
    state = models.CharField(_("stan"), max_length=10, choices=State)
    side = models.CharField(_("strona"), max_length=8, blank=True)
    fired_at = models.DateTimeField(_("ostatnio"), null=True)
    changed_at = models.DateTimeField(_("od"))
    seen_at = models.DateTimeField(_("ostatnia świeca"), null=True)
    error = models.TextField(_("błąd"), blank=True)
    event = models.ForeignKey("AlertEvent", models.SET_NULL, null=True, related_name="+", verbose_name=_("alert"))

    class Meta:
        verbose_name = _("stan reguły alertu")
        verbose_name_plural = _("stany reguł alertów")
        constraints = [models.UniqueConstraint(fields=["rule", "subject"], name="one_state_a_subject")]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.subject} {self.state}"


class AlertEvent(models.Model):
    """A rule fired, and how that ended. Append-only but for its end: `resolved_at`, `acknowledged_at`.

    `key` is rule:subject:kind:moment: the same observation fires once, however often it is looked at.
    """

    class State(models.TextChoices):
        OPEN = "open", _("trwa")
        ACKNOWLEDGED = "acknowledged", _("potwierdzony")
        RESOLVED = "resolved", _("ustąpił")

    id = models.BigIntegerField(primary_key=True, default=next_number, editable=False)
    key = models.CharField(max_length=200, unique=True, editable=False)
    # The event outlives its rule, its instrument and its source: `subject` is the code that the instrument had.
    rule = models.ForeignKey(AlertRule, models.SET_NULL, null=True, related_name="events", verbose_name=_("reguła"))
    rule_number = models.BigIntegerField(_("numer reguły"))
    kind = models.CharField(_("rodzaj"), max_length=20, choices=Kind)
    instrument = models.ForeignKey(Instrument, models.SET_NULL, null=True, verbose_name=_("instrument"))
    source = models.ForeignKey(Source, models.SET_NULL, null=True, verbose_name=_("źródło"))
    subject = models.CharField(_("czego dotyczy"), max_length=120, blank=True)
    observed_at = models.DateTimeField(_("z chwili"))
    created_at = models.DateTimeField(_("utworzono"))
    window_minutes = models.PositiveIntegerField(_("okno (min)"), null=True)
    threshold_pct = models.DecimalField(_("próg (%)"), **PERCENT, null=True)
    # From 1E-10 to 1E10, the prices that there can be, is 1E22 percent.
    change_pct = models.DecimalField(_("zmiana (%)"), max_digits=27, decimal_places=4, null=True)
    direction = models.CharField(_("kierunek"), max_length=4, choices=Direction, blank=True)
    price = models.DecimalField(_("cena"), **PRICE, null=True)
    scale = models.PositiveSmallIntegerField(_("miejsca po przecinku"), default=0)
    details = models.JSONField(_("szczegóły"), default=dict)
    state = models.CharField(_("stan"), max_length=12, choices=State, default=State.OPEN)
    resolved_at = models.DateTimeField(_("ustąpił"), null=True)
    acknowledged_at = models.DateTimeField(_("potwierdzono"), null=True)
    acknowledged_by = models.CharField(_("kto potwierdził"), max_length=80, blank=True)

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerty")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="alert_newest"),
            models.Index(fields=["instrument", "-created_at", "-id"], name="alert_of_instrument"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.state}"


class AlertDefaults(models.Model):
    """What `PUT /config/alerts-defaults` last set; one row. Without it the environment's settings hold."""

    window_minutes = models.PositiveIntegerField(_("okno (min)"))
    threshold_pct = models.DecimalField(_("próg (%)"), **PERCENT)
    direction = models.CharField(_("kierunek"), max_length=4, choices=Direction, default=Direction.BOTH)
    enabled = models.BooleanField(_("włączone"), default=True)
    changed_at = models.DateTimeField(_("zmieniono"))
    changed_by = models.CharField(_("kto"), max_length=80, blank=True)

    class Meta:
        verbose_name = _("domyślne progi")
        verbose_name_plural = _("domyślne progi")

    def __str__(self) -> str:
        return f"{self.threshold_pct} % / {self.window_minutes} min"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.pk = 1
        super().save(*args, **kwargs)


class AlertPass(models.Model):
    """What the evaluation has done so far; one row, whose lock lets one pass write at a time.

    `fired`: events by their kind. `ended_at`: when the newest pass that looked at everything ended.
    """

    passes = models.PositiveBigIntegerField(_("przebiegi"), default=0)
    seconds = models.FloatField(_("czas (s)"), default=0)
    fired = models.JSONField(_("alerty"), default=dict)
    ended_at = models.DateTimeField(_("koniec"), null=True)

    class Meta:
        verbose_name = _("ocena alertów")
        verbose_name_plural = _("oceny alertów")

    def __str__(self) -> str:
        return f"{self.passes} / {self.seconds:.1f} s"
