"""Django's entry for the signals."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SignalsConfig(AppConfig):
    name = "signals"
    verbose_name = _("Sygnały")

    def ready(self) -> None:
        from signals import (
            receivers,  # noqa: F401  connects itself
            rules,
        )

        # An unknown PRIMARY_RULE ends the start of every process here, and not the first page that somebody opens.
        rules.primary()
