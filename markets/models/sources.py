"""Who publishes, and what is priced."""

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from markets import records


class Source(models.Model):
    """A provider: facts are written by `sync` from code, choices belong to operators and are never overwritten."""

    code = models.CharField(_("kod"), max_length=32, unique=True)
    name = models.CharField(_("nazwa"), max_length=120)
    url = models.URLField(_("strona"), blank=True)
    unit = models.CharField(_("jednostka"), max_length=60, blank=True)
    limits = models.CharField(_("limity"), max_length=200, blank=True)
    licence = models.CharField(_("licencja"), max_length=200, blank=True)
    attribution = models.CharField(_("podanie źródła"), max_length=200, blank=True)
    edition = models.CharField(_("wydanie"), max_length=60, blank=True)
    fallback_for = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="fallbacks",
        verbose_name=_("zastępuje"),
        db_column="stands_in_for_id",
    )
    available = models.BooleanField(_("obsługiwane"), default=True)
    other_names = models.JSONField(_("inne nazwy"), default=list, blank=True)
    # So few calls that what is not critical there takes turns, every BATCH_ENQUEUE_MINUTES.
    rotating = models.BooleanField(_("symbole na zmianę"), default=False)
    has_listing = models.BooleanField(_("podaje wykaz symboli"), default=False)
    # When it was last asked for that listing.
    listed_at = models.DateTimeField(_("wykaz pobrano"), null=True, blank=True, editable=False)

    enabled = models.BooleanField(_("włączone"), default=True)
    polling_interval = models.PositiveIntegerField(
        _("co ile sekund"), default=3600, validators=[MinValueValidator(5)], db_column="cadence"
    )
    paused_until = models.DateTimeField(_("wstrzymane do"), null=True, blank=True)
    public_display = models.BooleanField(_("pokazywane publicznie"), default=True)
    public_api = models.BooleanField(_("podawane przez publiczne API"), default=True)
    base_url = models.URLField(_("inny adres API"), blank=True)

    FACTS = (
        *("name", "url", "unit", "limits", "licence", "attribution", "edition", "fallback_for", "available"),
        *("other_names", "rotating", "has_listing"),
    )

    class Meta:
        verbose_name = _("źródło")
        verbose_name_plural = _("źródła")
        ordering = ["code"]

    def __str__(self) -> str:
        """In the language that is on."""
        return gettext(self.name)


class Instrument(models.Model):
    """Something priced: `USD` (one dollar in PLN), `XAU` (a gram of gold in PLN)."""

    class Kind(models.TextChoices):
        CURRENCY = "currency", _("waluta")
        METAL = "metal", _("metal")
        CRYPTO = "crypto", _("kryptowaluta")
        PAIR = "pair", _("para")

    code = models.CharField(_("kod"), max_length=20, unique=True)
    base = models.CharField(_("baza"), max_length=12)
    quote = models.CharField(_("waluta notowania"), max_length=12, default="PLN")
    kind = models.CharField(_("rodzaj"), max_length=12, choices=Kind)
    unit = models.CharField(_("jednostka"), max_length=12, default="1")
    scale = models.PositiveSmallIntegerField(_("miejsca po przecinku"), default=4)
    name_pl = models.CharField(_("nazwa"), max_length=120)
    name_en = models.CharField(_("nazwa angielska"), max_length=120)

    class Meta:
        verbose_name = _("instrument")
        verbose_name_plural = _("instrumenty")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code

    @property
    def name(self) -> str:
        return self.name_en if get_language() == "en" else self.name_pl


class Generation(models.Model):
    """How often what we say of an instrument has changed: an answer kept under another number is out of date."""

    instrument = models.OneToOneField(Instrument, models.CASCADE, primary_key=True, verbose_name=_("instrument"))
    number = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.instrument_id}: {self.number}"


class Listing(models.Model):
    """Under which ticker a source lists an instrument, and whether Charon follows it there."""

    class Priority(models.IntegerChoices):
        CRITICAL = records.CRITICAL, _("krytyczny")
        HIGH = records.HIGH, _("wysoki")
        MEDIUM = records.MEDIUM, _("średni")
        LOW = records.LOW, _("niski")

    instrument = models.ForeignKey(Instrument, models.CASCADE, related_name="listings", verbose_name=_("instrument"))
    source = models.ForeignKey(Source, models.CASCADE, related_name="listings", verbose_name=_("źródło"))
    ticker = models.CharField(_("symbol u źródła"), max_length=60)
    priority = models.PositiveSmallIntegerField(_("priorytet"), choices=Priority, default=Priority.MEDIUM)
    tracked = models.BooleanField(_("śledzony"), default=True)

    class Meta:
        verbose_name = _("symbol")
        verbose_name_plural = _("symbole")
        constraints = [
            models.UniqueConstraint(fields=["source", "ticker"], name="one_instrument_a_ticker"),
            models.UniqueConstraint(fields=["instrument", "source"], name="one_ticker_a_source"),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} {self.ticker}"


class ListedAsset(models.Model):
    """One line of what a source lists, as it said itself when it was last asked: what can be followed there."""

    source = models.ForeignKey(Source, models.CASCADE, related_name="listed", verbose_name=_("źródło"))
    ticker = models.CharField(_("symbol u źródła"), max_length=60)
    code = models.CharField(_("kod"), max_length=20)
    base = models.CharField(_("baza"), max_length=12)
    quote = models.CharField(_("waluta notowania"), max_length=12)
    kind = models.CharField(_("rodzaj"), max_length=12, blank=True)
    name = models.CharField(_("nazwa"), max_length=120, blank=True)

    class Meta:
        verbose_name = _("pozycja wykazu źródła")
        verbose_name_plural = _("wykazy źródeł")
        ordering = ["source", "ticker"]
        constraints = [models.UniqueConstraint(fields=["source", "ticker"], name="one_line_a_ticker")]
        indexes = [
            models.Index(fields=["code"], name="listed_code"),
            models.Index(fields=["base"], name="listed_base"),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} {self.ticker}"


class Alias(models.Model):
    """Another spelling of an instrument: `USD/PLN`, `USDPLN`, `GOLD`, `ZLOTO`."""

    name = models.CharField(_("nazwa"), max_length=32, unique=True)
    instrument = models.ForeignKey(Instrument, models.CASCADE, related_name="aliases", verbose_name=_("instrument"))

    class Meta:
        verbose_name = _("alias")
        verbose_name_plural = _("aliasy")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
