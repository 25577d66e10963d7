"""The record's tasks: each family of panels anew, in the night and once as soon as the first history is there."""

import logging
from collections.abc import Sequence

from django.conf import settings
from django_q.exceptions import TimeoutException
from django_q.tasks import async_task

from markets import messages, problems
from markets.messages import Message
from markets.queries import gaps
from signals.models import AnalysisSnapshot
from signals.outcomes import history, store, trials
from signals.outcomes.history import Failed
from signals.outcomes.models import Family, Trial
from signals.outcomes.panel import Panel, Trials

logger = logging.getLogger(__name__)

RECOMPUTE, RECOMPUTE_FAMILY = "signals.outcomes.tasks.recompute", "signals.outcomes.tasks.recompute_family"
# One run judges a whole family and cannot go on in another task. 55 currencies over 31 years take 8 s of one core, 29
# markets with four timeframes 18 s. The queue would hand it to another worker after 300 s.
SECONDS = 240
PROBLEM = "outcomes"


def due() -> str | None:
    """The first family that has decisions and was never computed; none while a part of the history is still to come."""
    untried = [one for one in Family if not Trial.objects.filter(family=one).exists()]
    if not untried or gaps.half_known().exists():
        return None
    turned = AnalysisSnapshot.objects.filter(status=AnalysisSnapshot.Status.OK, stats__has_key="turned")
    return next((one.value for one in untried if turned.filter(history.of_family(one)).exists()), None)


def recompute(family: str) -> None:
    """A task of its own with the time that it needs, and with a name under which one that was killed is told."""
    group = f"outcomes.{family}"
    async_task(RECOMPUTE_FAMILY, family, cluster=settings.BRAIN_QUEUE, group=group, timeout=SECONDS)


def recompute_family(family: str) -> int:
    """Answers how many panels stand now. What fails is a problem, and the panels of the run before stay."""
    failed: Failed = {}
    try:
        trials.begin(family, history.keys(history.tried_on(family)))
        panels = computed(family, failed)
        store.replace(family, panels)
    except (Exception, TimeoutException) as error:  # the queue's own, of a run without end, is no Exception
        logger.exception("The outcomes of %s cannot be computed", family)
        problems.report(PROBLEM, family, messages.of_error(error))
        return 0
    if failed:
        problems.report(PROBLEM, family, said(failed))
    else:
        problems.close(PROBLEM, family)
    return len(panels)


def computed(family: str, failed: Failed) -> list[Panel]:
    """What the best of all trials shows by chance depends on how far their Sharpe ratios lie apart, so that those which
    are measured for the first time are written before any is judged.
    """
    from signals.outcomes.record import compute  # numpy weighs 10 MB: only who computes loads it

    def tried(panels: Sequence[Panel]) -> Trials:
        trials.measured(family, panels)
        return trials.known(family)

    return compute(history.series_of(family, failed), tried=tried)


def said(failed: Failed) -> Message:
    """The series that were left out, ten at most, and the newest error."""
    return Message("about", about=", ".join(sorted(failed)[:10]), reason=list(failed.values())[-1])
