"""Where a stored thing came from: source and licence, document and hash, job, and what was corrected since."""

from collections.abc import Callable
from typing import Any

from django.db.models import F

from markets import clock
from markets.errors import QuestionError
from markets.jobs.redact import without_secrets
from markets.licence import Audience, refuse
from markets.models import Job, Override, Publication, Rate, Revision, Source
from markets.queries import known
from markets.queries.lookup import nearest
from markets.queries.overrides import override_rows
from markets.queries.rates import digits
from markets.queries.revisions import Wanted, of_sources, source_items

Found = dict[str, Any]
FIGURES = ("pk", "instrument__code", "mid", "bid", "ask", "scale")


class UnknownThingError(QuestionError):
    """There is no kind of that name, or no row with that number."""

    status = 404
    code = "not_found"


def provenance(kind: str, number: int, asker: Audience) -> Found:
    """Raises UnknownThingError, and NotPublicError for what the source's licence keeps from the audience."""
    look = KINDS.get(kind)
    if look is None:
        names = [*KINDS, SIGNAL]
        found = {"nearest": nearest(kind, {name: name for name in names}), "kinds": names}
        raise UnknownThingError(f"There is no kind {kind!r}", found)
    content = look(number, asker)
    if content is None:
        raise UnknownThingError(f"There is no {kind} {number}", None)
    return {"kind": kind, "id": number} | content


def of_publication(number: int, asker: Audience) -> Found | None:
    row = Publication.objects.select_related("source").filter(pk=number).first()
    if row is None:
        return None
    refuse(row.source, asker)
    rates = Rate.objects.filter(publication=row).order_by("instrument__code")
    return {
        "publication": document(row),
        "source": of_source(row.source),
        "rates": [figure(*values) for values in rates.values_list(*FIGURES)],
    }


def of_rate(number: int, asker: Audience) -> Found | None:
    row = Rate.objects.select_related("instrument", "source", "publication").filter(pk=number).first()
    if row is None:
        return None
    refuse(row.source, asker)
    held = known.held_of(row.pk)
    reading, changes = known.reading_of(held, known.all_readings()), known.changes_of([held])[held.id]
    state = known.state_at(held, changes, reading, clock.now())
    beside = Override.objects.filter(
        instrument=row.instrument, table=row.table, effective_date=row.effective_date
    ).order_by("created_at", "pk")  # fmt: skip
    return {
        "rate": figure(row.pk, row.instrument.code, row.mid, row.bid, row.ask, row.scale)
        | {"table": row.table, "effective_date": row.effective_date},
        "source": of_source(row.source),
        "publication": document(row.publication) if row.publication else None,
        "archive": reading and {"source": reading.code, "edition": reading.edition, "read_at": reading.read_at},
        "known_from": state and state[1].known_from,
        "revisions": revisions_of(row.pk, asker),
        "overrides": list(override_rows(beside)),
    }


def revisions_of(rate: int, asker: Audience) -> list[Found]:
    """The oldest first."""
    rows = of_sources(Wanted(), asker).filter(rate=rate)
    return sorted(source_items(rows), key=lambda row: (row["seen_at"], row["id"]))


def of_revision(number: int, asker: Audience) -> Found | None:
    """One that only changes digits is shown nowhere."""
    rows = Revision.objects.select_related("old_source", "new_source").filter(pk=number, notation=False)
    row = rows.first()
    if row is None:
        return None
    refuse(row.old_source, asker)
    refuse(row.new_source, asker)
    [shown] = source_items(rows)
    return {"revision": shown, "source": of_source(row.new_source)}


def of_override(number: int, asker: Audience) -> Found | None:  # noqa: ARG001  what an operator sets has no licence
    shown = next(override_rows(Override.objects.filter(pk=number)), None)
    return shown and {"override": shown, "published": beside_override(shown)}


def beside_override(shown: Found) -> list[int]:
    """The ids of the published rates of that place, which the override leaves as they are."""
    place = {"instrument__code": shown["code"], "table": shown["table"], "effective_date": shown["effective_date"]}
    return list(Rate.objects.filter(**place).order_by("pk").values_list("pk", flat=True))


def of_job(number: int, asker: Audience) -> Found | None:
    """Whatever the licence of its source: it holds counts and no figure, as `/jobs` does."""
    names = ("job_type", "status", "trigger", "started_at", "finished_at", "rows_written", "revised")
    row = Job.objects.filter(pk=number).values(*names, code=F("source__code")).first()
    if row is None:
        return None
    source = Source.objects.filter(code=row.pop("code") or "").first()
    documents = Publication.objects.filter(job=number)
    return {
        "job": row,
        "source": source and of_source(source),
        "publications": documents.count(),
        "revisions": of_sources(Wanted(), asker).filter(job=number).count(),
    }


def of_source(row: Source) -> Found:
    """Whose it is and under which terms."""
    names = ("code", "name", "url", "licence", "attribution")
    return {name: getattr(row, name) for name in names} | {"edition": row.edition or None}


def document(row: Publication) -> Found:
    """The publication with its proof; the address without a key, whatever an operator has put into it."""
    return {
        "id": row.pk,
        "table": row.table,
        "table_no": row.number or None,
        "effective_date": row.effective_date,
        "trading_date": row.trading_date,
        "url": without_secrets(row.url),
        "sha256": row.sha256,
        "known_from": row.first_fetched_at,
        "fetched_at": row.fetched_at,
        "job": row.job_id,
    }


def figure(pk: int, code: str, mid: Any, bid: Any, ask: Any, scale: int) -> Found:
    figures = {"mid": digits(mid, scale), "bid": digits(bid, scale), "ask": digits(ask, scale)}
    return {"id": pk, "code": code} | figures


KINDS: dict[str, Callable[[int, Audience], Found | None]] = {
    "publication": of_publication,
    "rate": of_rate,
    "revision": of_revision,
    "override": of_override,
    "job": of_job,
}
# Answered by the package that has them, at the same address.
SIGNAL = "signal"
