"""Official tables of single days for tests of questions about several codes and days."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.test import Client

from markets.jobs import runs
from markets.models import Job, Source
from markets.queries.calendars import is_working
from markets.records import RateRecord, Table
from markets.store.publish import publish

# 12:00 on the Monday before; the tables end on the Friday.
FRIDAY, SATURDAY, SUNDAY, MONDAY = (date(2026, 10, day) for day in (23, 24, 25, 26))
WEDNESDAY = date(2026, 10, 21)


def table(letter: str, day: date, **figures: str) -> Table:
    """Of table A or B, with its number."""
    lines = [RateRecord(code, mid=Decimal(value)) for code, value in figures.items()]
    number = f"{day.timetuple().tm_yday:03}/{letter}/NBP/{day.year}"
    return Table(letter, day, lines, number=number, url="https://nbp.example/", sha256="a")


def gold(day: date, price: str) -> Table:
    return Table("gold", day, [RateRecord("XAU", mid=Decimal(price))], sha256="g", kind="metal")


def weekdays(first: date, last: date) -> list[date]:
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [day for day in days if is_working(day)]


def save(nbp: Source, *tables: Table) -> None:
    """Tables of one letter at a time, as a run brings them."""
    job = runs.start("nbp.A", nbp, Job.Trigger.COMMAND)
    for letter in dict.fromkeys(one.table for one in tables):
        publish([one for one in tables if one.table == letter], nbp, job)
    Job.objects.filter(pk=job.pk).update(status=Job.Status.SUCCESS, lease_until=None)


def ask(client: Client, path: str, **parameters: object) -> Any:
    """Underscores at the end of names are cut off: `from_`."""
    response = client.get(path, {name.rstrip("_"): str(value) for name, value in parameters.items()})
    assert response.status_code == 200, response.content
    return response.json()


def refusal(client: Client, path: str, **parameters: object) -> tuple[int, str, Any]:
    """Status, code and detail of an error."""
    response = client.get(path, {name.rstrip("_"): str(value) for name, value in parameters.items()})
    error = response.json()["error"]
    return response.status_code, error["code"], error["detail"]


def told(answer: Any, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in answer["items"]]
