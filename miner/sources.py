"""Source rows and providers: facts go from code into the row, choices come from the row and the environment."""

from django.conf import settings
from django.db.models import Q

from markets import clock
from markets.models import Source
from miner.providers import PROVIDERS
from miner.providers.base import Provider


def sync() -> None:
    """Write every provider's facts into its row; operators' choices stay as they are."""
    for code, provider in PROVIDERS.items():
        Source.objects.get_or_create(code=code, defaults=first_choices(code) | facts(provider))
        Source.objects.filter(code=code).update(**facts(provider))
    for code, provider in PROVIDERS.items():
        official = Source.objects.filter(code=provider.stands_in_for).first()
        Source.objects.filter(code=code).update(stands_in_for=official)
    Source.objects.exclude(code__in=PROVIDERS).update(available=False)


def facts(provider: type[Provider]) -> dict[str, object]:
    names = ("name", "url", "unit", "limits", "licence", "attribution", "edition")
    return {name: getattr(provider, name) for name in names} | {"available": True}


def first_choices(code: str) -> dict[str, object]:
    """What a new row begins with; from then on the row is the owner."""
    return {"cadence": settings.REFRESH_SECONDS, "enabled": not settings.SOURCES or code in settings.SOURCES}


def provider_of(source: Source) -> Provider:
    """The provider, at the operator's address if there is one, else at `<CODE>_BASE_URL`."""
    base_url = source.base_url or getattr(settings, f"{source.code.upper()}_BASE_URL", "")
    return PROVIDERS[source.code](base_url=base_url.rstrip("/") + "/" if base_url else "")


def connections_of(source: Source) -> int:
    """How many requests to this source may be under way at once: `<CODE>_CONNECTIONS`, else one."""
    return int(getattr(settings, f"{source.code.upper()}_CONNECTIONS", 1))


def runnable() -> list[Source]:
    """Enabled, not paused, and known to this code; those that stand in for others first."""
    awake = Q(paused_until=None) | Q(paused_until__lte=clock.now())
    rows = Source.objects.filter(awake, enabled=True, code__in=PROVIDERS)
    return sorted(rows, key=lambda row: (row.stands_in_for_id is None, row.code))
