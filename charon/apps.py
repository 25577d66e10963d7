"""Django's entry for the top layer; it registers the system checks."""

from django.apps import AppConfig


class CharonConfig(AppConfig):
    name = "charon"
    verbose_name = "Charon"

    def ready(self) -> None:
        from charon import checks  # noqa: F401 - registers them
