"""Who calls the API: the tokens of its clients, what was counted of a caller, and what was answered to one."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ApiToken(models.Model):
    """A token that was given to a program. The token itself is shown once and kept nowhere; `scopes` see
    `markets.access.GRANTS`.
    """

    name = models.CharField(_("nazwa"), max_length=80)
    prefix = models.CharField(_("początek"), max_length=16, editable=False)
    hash = models.CharField(_("skrót SHA-256"), max_length=64, unique=True, editable=False)
    scopes = models.JSONField(_("zakresy"), default=list)
    created_at = models.DateTimeField(_("utworzono"), editable=False)
    last_used_at = models.DateTimeField(_("ostatnio użyto"), null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(_("unieważniono"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("token API")
        verbose_name_plural = _("tokeny API")
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name


class CallerCount(models.Model):
    """What a caller has asked in the window that ends at `until`, where there is no Redis to count it.

    `caller` is `<kind>:<address or token>`. A row is of no use after its window and is deleted by the next caller's.
    """

    caller = models.CharField(max_length=80)
    until = models.PositiveBigIntegerField()
    count = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["until", "caller"], name="one_count_a_caller_and_window")]

    def __str__(self) -> str:
        return f"{self.caller}: {self.count}"


class IdempotentAnswer(models.Model):
    """The first answer to a request that came with an Idempotency-Key; without a status it is still being worked on.

    `request` is the SHA-256 of method, address and body: the same key of the same caller with another request is
    refused. Deleted after a day.
    """

    caller = models.CharField(max_length=160)
    key = models.CharField(max_length=255)
    request = models.CharField(max_length=64)
    begun_at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    body = models.TextField(blank=True)
    location = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="one_answer_a_key")]
        indexes = [models.Index(fields=["begun_at"], name="idempotent_age")]

    def __str__(self) -> str:
        return f"{self.caller} {self.key}"
