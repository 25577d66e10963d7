"""The questions that pages, API and brain ask of the tables."""

from datetime import date
from typing import Self, TypeVar

from django.db import models
from django.db.models import Exists, OuterRef, Q

from markets.licence import Audience, shown_to

R = TypeVar("R", bound=models.Model)

MID_TABLES = ("A", "B")


class RateQuerySet(models.QuerySet[R]):
    def publishable(self, audience: Audience = Audience.PAGE) -> Self:
        """Only what its source lets us show."""
        return self.filter(shown_to(audience))

    def of_table(self, table: str) -> Self:
        return self.filter(table=table)

    def canonical(self) -> Self:
        """The one mid of a day: table A before B. An archive row never stands beside an official one.

        A range of one day and not the day itself: PostgreSQL would take the equality for a reason to read all of table
        A into a hash as soon as one row of B is met.
        """
        the_day = (OuterRef("effective_date"), OuterRef("effective_date"))
        in_table_a = self.model._default_manager.filter(
            instrument=OuterRef("instrument"), effective_date__range=the_day, table="A"
        )
        return self.filter(Q(table="A") | ~Exists(in_table_a), table__in=MID_TABLES)

    def between(self, start: date, end: date) -> Self:
        """Both ends inclusive, ascending."""
        return self.filter(effective_date__range=(start, end)).order_by("effective_date", "table")

    def strictly_before(self, day: date) -> Self:
        """Newest first, never the day itself: the tax rule's order."""
        return self.filter(effective_date__lt=day).order_by("-effective_date", "table")

    def latest_first(self) -> Self:
        return self.order_by("-effective_date", "table")
