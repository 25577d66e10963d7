"""Source rows and providers: facts go from code into the row, choices come from the row and the environment."""

import os

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from markets import clock
from markets.errors import ConflictError, UnknownCodeError
from markets.instruments import create, names
from markets.models import Source
from markets.network import allowed_urls
from markets.records import MEDIUM, Listed
from miner.fetch import cooldown, guarded
from miner.fetch.call_window import Allowance
from miner.providers import PROVIDERS, discover
from miner.providers.base import CandleSource, ListingSource, Provider, QuoteSource

FACTS = ("name", "url", "unit", "limits", "licence", "attribution", "edition", "rotating")


def sync() -> None:
    """Write every provider's facts into its row; operators' choices stay as they are."""
    for code, provider in PROVIDERS.items():
        row, _ = Source.objects.get_or_create(code=code, defaults=first_choices(provider) | facts(provider))
        Source.objects.filter(code=code).update(**facts(provider))
        write_listings(row, provider)
    for code, provider in PROVIDERS.items():
        official = Source.objects.filter(code=provider.fallback_for).first()
        Source.objects.filter(code=code).update(fallback_for=official)
    Source.objects.exclude(code__in=PROVIDERS).update(available=False)


def facts(provider: type[Provider]) -> dict[str, object]:
    lists = {"other_names": list(provider.other_names), "has_listing": issubclass(provider, ListingSource)}
    return {name: getattr(provider, name) for name in FACTS} | lists | {"available": True}


def source_code(name: str) -> str:
    """The code of a source, in any case and by any of its names."""
    wanted = name.lower()
    codes = (code for code, provider in PROVIDERS.items() if wanted in provider.other_names)
    return wanted if wanted in PROVIDERS else next(codes, wanted)


def write_listings(source: Source, provider: type[Provider]) -> None:
    """What this release knows to be listed there; operators' choices about listings that exist stay."""
    create.list_at(source, entries(provider), tracked=first_followed(provider))


def entries(provider: type[Provider]) -> list[Listed]:
    """One line for each ticker that the provider knows by itself."""
    return [
        Listed(ticker, *names.split(code), priority=provider.priorities.get(code, MEDIUM))
        for code, ticker in provider.tickers.items()
    ]


def first_choices(provider: type[Provider]) -> dict[str, object]:
    """What a new row begins with; from then on the row is the owner."""
    named = not settings.SOURCES or provider.code in map(source_code, settings.SOURCES)
    return {
        "polling_interval": first_interval(provider),
        "enabled": named and (not provider.needs_key or bool(key_of(provider.code))),
        "public_display": provider.public_display,
        "public_api": provider.public_api,
    }


def first_interval(provider: type[Provider]) -> int:
    """Seconds between two polls that a new row begins with."""
    name = provider.polling_setting
    if hasattr(settings, name):
        return int(getattr(settings, name)) * (60 if name.endswith("_MINUTES") else 1)
    return provider.polling_interval or settings.REFRESH_SECONDS


def first_followed(provider: type[Provider]) -> list[str] | None:
    """What a new listing of this source must be named as to be followed from the start; None follows all."""
    return getattr(settings, provider.followed_setting, None) or None


def key_of(code: str) -> str:
    """The API key of a source, `<CODE>_API_KEY`; it stands in the environment and nowhere else.

    A provider of another package has no line in the settings: its key is read where it stands.
    """
    name = f"{code.upper()}_API_KEY"
    return str(getattr(settings, name, os.environ.get(name, "")))


def provider_of(source: Source) -> Provider:
    """The provider, at the address of its row if there is one, else at `<CODE>_BASE_URL`, with `<CODE>_TIMEOUT`.

    Who writes rows (an operator of the API) may own less than who writes the environment: only the latter is trusted.
    """
    code = source.code.upper()
    name = f"{code}_BASE_URL"
    base_url = source.base_url or str(getattr(settings, name, os.environ.get(name, "")))
    if source.base_url:
        guarded.add(base_url)
    provider = PROVIDERS[source.code](base_url.rstrip("/") + "/" if base_url else "", key_of(source.code))
    provider.read_seconds = getattr(settings, f"{code}_TIMEOUT", provider.read_seconds)
    return provider


def quote_source_of(source: Source) -> QuoteSource:
    provider = provider_of(source)
    if not isinstance(provider, QuoteSource):
        raise TypeError(f"{source.code} gives no prices")
    return provider


def candle_source_of(source: Source) -> CandleSource:
    provider = provider_of(source)
    if not isinstance(provider, CandleSource):
        raise TypeError(f"{source.code} gives no candles")
    return provider


def allowance_of(source: Source) -> Allowance:
    """What may be asked of it in a window: `<CODE>_CALLS_PER_MINUTE` for those whose plan says so, else what its
    provider knows.
    """
    provider = PROVIDERS[source.code]
    calls = int(getattr(settings, f"{source.code.upper()}_CALLS_PER_MINUTE", provider.limit))
    return Allowance(calls, provider.window_seconds, min(provider.reserve, calls - 1) if calls else 0)


def connections_of(source: Source) -> int:
    """How many requests to this source may be under way at once: `<CODE>_CONNECTIONS`, else what its provider says."""
    return int(getattr(settings, f"{source.code.upper()}_CONNECTIONS", PROVIDERS[source.code].connections))


def runnable() -> list[Source]:
    """Enabled, not paused, and known to this code; those that stand in for others first."""
    awake = Q(paused_until=None) | Q(paused_until__lte=clock.now())
    rows = list(Source.objects.filter(awake, enabled=True))
    if any(row.available and row.code not in PROVIDERS for row in rows):
        discover()  # registered in another process, whose package was installed meanwhile
    known = [row for row in rows if row.code in PROVIDERS]
    return sorted(known, key=lambda row: (row.fallback_for_id is None, row.code))


def runnable_source(code: str) -> Source | None:
    """The source of this code, if it is runnable."""
    return next((row for row in runnable() if row.code == code), None)


def available(code: str) -> Source | None:
    """The source of this code, if it may be asked at this moment."""
    row = runnable_source(code)
    return None if row is None or cooldown.is_cooling_down(row) else row


def wants_key(source: Source) -> bool:
    """Whether it cannot be asked for the lack of a key."""
    provider = PROVIDERS.get(source.code)
    return provider is not None and provider.needs_key and not key_of(source.code)


def installed_provider(code: str) -> type[Provider] | None:
    """By its code or another name of it; also one of a package that was installed since this process began."""
    if source_code(code) not in PROVIDERS:
        discover()
    return PROVIDERS.get(source_code(code))


def unregistered() -> list[str]:
    """Codes of the installed providers that have no source yet."""
    discover()
    return sorted(set(PROVIDERS) - set(Source.objects.values_list("code", flat=True)))


def register(code: str, choices: dict[str, object]) -> Source:
    """Write the row of an installed provider that has none, with what the operator has chosen.

    API and admin call this.
    """
    allowed_urls.public(str(choices.get("base_url", "")))
    provider, code = installed_provider(code), source_code(code)
    if provider is None:
        raise UnknownCodeError(f"No provider {code!r} is installed", {"installed": sorted(PROVIDERS)})
    with transaction.atomic():
        official = Source.objects.filter(code=provider.fallback_for).first()
        known = first_choices(provider) | facts(provider) | {"fallback_for": official}
        row, new = Source.objects.get_or_create(code=code, defaults=known | choices)
        if not new:
            raise ConflictError(f"{code} is registered already", {"code": code})
        write_listings(row, provider)
        fallbacks = [other.code for other in PROVIDERS.values() if other.fallback_for == code]
        Source.objects.filter(code__in=fallbacks).update(fallback_for=row)
    return row
