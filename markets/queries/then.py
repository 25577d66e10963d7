"""What a figure was at a moment: one rule for the answers about rates and for those of tax."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

F = TypeVar("F")


def figure_then(
    now: F,
    corrections: Sequence[tuple[datetime, F]],
    first_fetched: datetime | None,
    archive: tuple[datetime, F] | None,
    as_of: datetime,
) -> tuple[F, datetime] | None:
    """The figure of that moment, and since when it was known; None where nothing says that it was.

    `corrections`: when each was seen and what it replaced, the oldest first. `first_fetched` is of the first official
    bytes, `archive` since when and as what an archive had it.
    """
    seen = [moment for moment, _ in corrections if moment <= as_of]
    begun = [moment for moment in (first_fetched, archive and archive[0]) if moment is not None]
    since = seen[-1] if seen else min(begun, default=None)
    if since is None or since > as_of:
        return None
    replaced = [figure for moment, figure in corrections if moment > as_of]
    if replaced:
        return replaced[0], since
    if archive and not seen and (first_fetched is None or first_fetched > as_of):
        return archive[1], since
    return now, since
