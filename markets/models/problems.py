"""The faults that the installation has found in itself."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from markets import messages


class Problem(models.Model):
    """One fault, from the moment it was found until it was gone; what it means stands in `markets.problems.KINDS`.

    `subject` is what it is about (a source, a table, the name of a variable) and never a secret value. `detail` is for
    operators alone. Of one kind and subject one row is open at a time.
    """

    kind = models.CharField(_("rodzaj"), max_length=40)
    subject = models.CharField(_("dotyczy"), max_length=120, blank=True)
    detail = models.TextField(_("szczegóły"), blank=True)
    # The message that `detail` is the English of (`markets.messages`); null before there were any.
    detail_message = models.JSONField(_("szczegóły: kod"), null=True, blank=True, editable=False)
    opened_at = models.DateTimeField(_("od"))
    seen_at = models.DateTimeField(_("ostatnio stwierdzono"))
    times = models.PositiveIntegerField(_("ile razy"), default=1)
    closed_at = models.DateTimeField(_("ustąpił"), null=True, blank=True)

    class Meta:
        verbose_name = _("problem")
        verbose_name_plural = _("problemy")
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"], condition=Q(closed_at=None), name="one_open_problem_a_subject"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}".strip()

    @property
    def detail_shown(self) -> str:
        """In the language that is on."""
        return messages.shown(self.detail, self.detail_message)
