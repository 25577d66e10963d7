"""Django's entry for the base layer."""

from django.apps import AppConfig
from django.db.models.signals import post_delete, post_save
from django.utils.translation import gettext_lazy as _


class MarketsConfig(AppConfig):
    name = "markets"
    verbose_name = _("Notowania")

    def ready(self) -> None:
        from markets import models
        from markets.history_files import place
        from markets.redis import generations

        post_save.connect(generations.everything_changed, sender=models.Source, dispatch_uid="response_cache")
        post_save.connect(place.source_saved, sender=models.Source, dispatch_uid="history_files")
        # An answer is kept under the names that were asked for.
        post_save.connect(generations.everything_changed, sender=models.Alias, dispatch_uid="aliases")
        post_delete.connect(generations.alias_gone, sender=models.Alias, dispatch_uid="aliases")
