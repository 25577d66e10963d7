"""What only the miner knows of sources, jobs, gaps and listings, in the admin; and its own tables."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from markets.instruments.admin import ListingAdmin
from markets.models import Listing, Source
from miner import admin_gaps, admin_jobs, admin_queue, admin_sources, admin_tasks  # noqa: F401  register themselves
from miner.providers import PROVIDERS
from miner.providers.base import CandleSource, QuoteSource

admin.site.unregister(Listing)


@admin.register(Listing)
class MinedListingAdmin(ListingAdmin):
    """A listing is added where prices or candles can be asked for by its ticker."""

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "source":
            markets = [code for code, one in PROVIDERS.items() if issubclass(one, QuoteSource | CandleSource)]
            kwargs["queryset"] = Source.objects.filter(code__in=markets, available=True)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)
