"""A request that needs a source becomes a job that waits: the answer names it, a task of the miner takes it up."""

import re
from collections.abc import Sequence

from django.db import transaction

from markets import events
from markets.jobs import runs
from markets.models import Job

# `/jobs?type=` takes 32 characters.
KEY_LENGTH = 24


def job_type(symbol: str) -> str:
    """`assets.PEPEUSD`: of one symbol one look-up runs at a time, of several symbols several."""
    return f"assets.{re.sub('[^A-Z0-9]', '', symbol.upper())[:KEY_LENGTH]}"


def request(symbol: str, name: str = "", aliases: Sequence[str] = ()) -> Job:
    """The waiting job that will look the symbol up; of two requests the second gets the job of the first."""
    with transaction.atomic():
        try:
            job = runs.start(job_type(symbol), None, Job.Trigger.OPERATOR)
        except runs.Busy:
            return Job.objects.get(job_type=job_type(symbol), status=Job.Status.RUNNING)
        wish = {"symbol": symbol, "name": name, "aliases": list(aliases)}
        runs.release(job, lambda pk: events.asset_wanted.send(sender=Job, job=pk, **wish))
    return job
