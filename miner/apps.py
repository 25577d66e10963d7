"""Django's entry for the miner."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MinerConfig(AppConfig):
    name = "miner"
    verbose_name = _("Pobieranie")

    def ready(self) -> None:
        from miner import receivers  # noqa: F401  connects itself
        from miner.gaps import tasks  # noqa: F401  the queue must know that they work in slices
