"""Django's entry for the signals."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SignalsConfig(AppConfig):
    name = "signals"
    verbose_name = _("Sygnały")

    def ready(self) -> None:
        from signals import receivers  # noqa: F401  connects itself
