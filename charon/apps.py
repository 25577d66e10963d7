"""Django's entry for the top layer; it registers the system checks, the ids of tasks and what is watched."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CharonConfig(AppConfig):
    name = "charon"
    verbose_name = "Charon"

    def ready(self) -> None:
        from charon import checks  # noqa: F401 - registers them
        from charon.kept import watched
        from charon.processes import task_ids  # noqa: F401 - listens to the queue

        post_migrate.connect(watched.install, sender=self, dispatch_uid="watched")
