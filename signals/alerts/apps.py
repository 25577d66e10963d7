"""Django's entry for the alerts."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AlertsConfig(AppConfig):
    name = "signals.alerts"
    label = "alerts"
    verbose_name = _("Alerty")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from signals.alerts import receivers  # noqa: F401
