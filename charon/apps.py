"""Django's entry for the top layer; it registers the system checks and the ids of tasks."""

from django.apps import AppConfig


class CharonConfig(AppConfig):
    name = "charon"
    verbose_name = "Charon"

    def ready(self) -> None:
        from charon import checks  # noqa: F401 - registers them
        from charon.processes import task_ids  # noqa: F401 - listens to the queue
