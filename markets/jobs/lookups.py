"""A request that needs a source becomes a job that waits: the answer names it, a task of the miner takes it up."""

import re
from collections.abc import Sequence
from hashlib import blake2b

from django.db import transaction

from markets import events
from markets.errors import ConflictError
from markets.jobs import runs
from markets.models import Job

# `/jobs?type=` takes 32 characters.
KEY_LENGTH = 24


def job_type(symbol: str) -> str:
    """`assets.PEPEUSD`: of one symbol one look-up runs at a time, of several symbols several.

    A symbol that does not fit as it is written gets a hash: `P.E-P:E` is another one than `PEPE`.
    """
    key = re.sub("[^A-Z0-9]", "", symbol.upper())
    if key != symbol.upper() or len(key) > KEY_LENGTH:
        key = f"{key[: KEY_LENGTH - 9]}.{blake2b(symbol.upper().encode(), digest_size=4).hexdigest()}"
    return f"assets.{key}"


def request(symbol: str, name: str = "", aliases: Sequence[str] = ()) -> Job:
    """The waiting job that will look the symbol up; of two equal requests the second gets the job of the first.

    Raises ConflictError when the symbol is being looked up with another name or other aliases: one would be lost.
    """
    wish = {"symbol": symbol.upper(), "name": name, "aliases": list(aliases)}
    with transaction.atomic():
        try:
            job = runs.start(job_type(symbol), None, Job.Trigger.OPERATOR)
        except runs.Busy:
            waiting = Job.objects.get(job_type=job_type(symbol), status=Job.Status.RUNNING)
            if waiting.details.get("wish") != wish:
                message = f"{symbol} is being looked up already, with another name or other aliases"
                raise ConflictError(message, {"job": waiting.pk}) from None
            return waiting
        Job.objects.filter(pk=job.pk).update(details={"wish": wish})
        runs.release(job, lambda pk: events.asset_wanted.send(sender=Job, job=pk, **wish | {"symbol": symbol}))
    return job
