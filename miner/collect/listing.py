"""What a source lists: asked once a day and on demand, kept for the requests that need it."""

from collections.abc import Iterator
from datetime import timedelta

from markets.jobs import job_results, runs
from markets.messages import Message
from markets.models import Job, Source
from markets.queries import listed
from markets.records import Listed
from markets.store import listed_assets
from miner import sources
from miner.collect import backoff
from miner.fetch import cooldown, rate_limit, retry
from miner.fetch.errors import NoKey, ProviderError
from miner.fetch.parsing import RefusedRecords, sentences
from miner.providers.base import ListingSource

# A daily schedule that comes a little early still asks; a start within the day does not.
ASK_AGAIN = timedelta(hours=20)
# A task is killed after 60 s: what is waited for the budget, and what the tries take.
PATIENCE, TRIES = 10.0, 20.0
SHOWN = 20


def due() -> list[Source]:
    """Sources that can be asked what they list and were not asked lately."""
    able = {row.pk for row in sources.runnable() if not sources.wants_key(row) and not cooldown.is_cooling_down(row)}
    return [row for row in listed.unasked(fresh_for=ASK_AGAIN) if row.pk in able]


def refresh(source: Source, trigger: str = Job.Trigger.SCHEDULE) -> Job:
    """Ask one source and keep what it lists; raises ProviderError when it could not be asked, Busy when it is being."""
    with runs.job(f"{source.code}.listing", source, trigger) as job:
        entries, refused = fetch(source, job)
        kept = listed_assets.keep(source, entries)
        columns = job_results.with_notes(job, list(notes_of(kept, refused)))
        Job.objects.filter(pk=job.pk).update(rows_written=kept.written, refused=len(refused), **columns)
    return job


def notes_of(kept: listed_assets.ListedRow, refused: RefusedRecords) -> Iterator[Message]:
    if kept.removed:
        yield Message("lines_gone", count=kept.removed)
    if kept.left_out:
        yield Message("lines_without_code", count=len(kept.left_out), shown=kept.left_out[:SHOWN])
    for what in sentences(refused)[:SHOWN]:
        yield Message("note_refused", what=what)


def fetch(source: Source, job: Job) -> tuple[list[Listed], RefusedRecords]:
    """What is listed, and what could not be read of it; tried again within the budget; its cost stands in the job."""
    provider, allowance, traffic = listing_source_of(source), sources.allowance_of(source), retry.Traffic()
    if sources.wants_key(source):
        raise NoKey(Message("no_key", source=source.code))
    cost = provider.listing_cost
    job.waited_seconds = rate_limit.take(source, allowance, cost, patience=PATIENCE)
    try:
        entries = retry.call(provider.fetch_listing, traffic, TRIES)
    except ProviderError as error:
        backoff.back_off(source, error, rest=False)
        raise
    finally:
        rate_limit.spent(source, allowance, max(provider.calls, traffic.requests * cost) - cost)
        job.requests, job.retries = max(traffic.requests, provider.calls), traffic.retries
        job.waited_seconds += traffic.waited_seconds
    rate_limit.answered(source, allowance, provider.used)
    return entries, provider.take_refused()


def listing_source_of(source: Source) -> ListingSource:
    provider = sources.provider_of(source)
    if not isinstance(provider, ListingSource):
        raise TypeError(f"{source.code} does not say what it lists")
    return provider
