from django.apps import AppConfig


class CharonConfig(AppConfig):
    name = "charon"
    verbose_name = "Charon"
