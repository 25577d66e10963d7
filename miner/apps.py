from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MinerConfig(AppConfig):
    name = "miner"
    verbose_name = _("Pobieranie")
