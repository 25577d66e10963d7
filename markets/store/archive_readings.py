"""The writer of what an archive brought and when: its tables have no publication."""

from collections.abc import Sequence

from django.db.models import Max

from markets import clock
from markets.models import ArchiveReading, Rate, Source
from markets.records import Table


def note(source: Source, tables: Sequence[Table]) -> None:
    """One row for the window that was just written; its rates are in, and the family's lock is held."""
    days = [table.effective_date for table in tables]
    last = Rate.objects.aggregate(last=Max("pk"))["last"]
    ArchiveReading.objects.create(
        source=source, edition=source.edition, from_day=min(days), to_day=max(days), last_rate=last, read_at=clock.now()
    )
