"""What others ask of the miner: schedules of a changed source, the past of a new listing, gaps, an unknown asset, the
official table that an answer stands in need of.
"""

from datetime import date, datetime

from django.db.models.signals import post_save
from django.dispatch import receiver

from markets import events
from markets.models import Job, Source
from miner import backfill, schedule, wanted
from miner.collect.history_requests import history_wanted
from miner.collect.market_gaps import gaps_due
from miner.pulse import polls


@receiver(post_save, sender=Source)
def follow(sender: type[Source], instance: Source, **kwargs: object) -> None:  # noqa: ARG001
    schedule.write(instance)


@receiver(history_wanted)
def enqueue_history(source: Source, tickers: list[str], start: date, end: date, **kwargs: object) -> None:  # noqa: ARG001
    backfill.again("prices", source, tickers, start, end, trigger=Job.Trigger.SCHEDULE)


@receiver(gaps_due)
def enqueue_gaps(source: str, names: list[str], **kwargs: object) -> None:  # noqa: ARG001
    backfill.enqueue_gaps(source, names)


@receiver(events.asset_wanted)
def enqueue_look_up(job: int, symbol: str, name: str, aliases: list[str], **kwargs: object) -> None:  # noqa: ARG001
    backfill.put("miner.backfill.look_up", symbol, name, aliases, job=job, group="assets")


@receiver(events.publications_wanted)
def enqueue_wanted(source: str, places: list[tuple[str, date]], **kwargs: object) -> None:  # noqa: ARG001
    wanted.enqueue(source, places)


@receiver(events.pulse_asked)
def tell_of_pulse(**kwargs: object) -> datetime | None:  # noqa: ARG001
    return polls.last_sign()
