"""The rows of the fuzzed installation: a life of Charon (tests.saved.seed), and tokens of every scope."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import django
from django.utils import timezone

from markets import clock

# Half a minute after the last row of the seed: its prices are fresh, its leases hold.
NOW = datetime(2026, 10, 28, 13, 5, 30, tzinfo=ZoneInfo("Europe/Warsaw"))


def travel(text: str) -> None:
    moment = datetime.fromisoformat(text).replace(tzinfo=NOW.tzinfo)
    timezone.now = clock.now = lambda: moment


def main() -> None:
    django.setup()
    from django_q.models import Schedule

    from charon import detection
    from markets import api_tokens
    from markets.access import Scope
    from markets.instruments import names
    from markets.models import Gap, Source
    from markets.records import Listed
    from markets.store import gaps, listed_assets
    from tests.saved import seed

    for stage in (seed.empty, seed.full):
        stage(travel)
    # POST /sources has one to register, POST /assets some that are listed and not followed.
    Source.objects.get(code="deribit").delete()
    coins = [Listed(name, name.upper(), "USD", name.title(), names.CRYPTO) for name in ("pepe", "doge", "ada")]
    listed_assets.keep(seed.source("coingecko"), coins)
    gaps.failed(seed.source("ecb"), gaps.of_days("eurofxref", NOW.date(), NOW.date()), Gap.Reason.FAILED)
    detection.run()
    # The tasks that a caller enqueues run, those of the timetable would change the rows under the questions.
    Schedule.objects.update(next_run=NOW + timedelta(days=1))
    for scope in (Scope.READ, Scope.OPERATOR):
        print(f"{scope}={api_tokens.create(f'fuzz {scope}', [scope])[1]}")


if __name__ == "__main__":
    main()
