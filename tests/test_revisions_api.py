"""GET /revisions: both values of each correction, newest first, and what operators set beside the published figures."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from markets.instruments.find import find
from markets.jobs import runs
from markets.models import Instrument, Job, Rate, Revision, Source
from markets.records import RateRecord, Table
from markets.store import overrides
from markets.store.publish import publish
from tests.cases import walk
from tests.test_api_errors import error
from tests.test_known import JAN_2, JAN_3, archived, published

pytestmark = pytest.mark.django_db

At = Callable[[str], None]


def get(client: Client, path: str = "/revisions", **parameters: object) -> Any:
    response = client.get(path, {name: str(value) for name, value in parameters.items()})
    assert response.status_code == 200, response.content
    return response.json()


def usd() -> Instrument:
    found = find("USD")
    assert found is not None
    return found


@pytest.fixture
def corrected(nbp: Source, archive: Source, job: Job, at: At) -> None:
    """USD corrected by the NBP, EUR of the archive replaced, CHF left out, and USD of 3 January set by an operator."""
    at("2024-01-04 10:00")
    publish([archived(JAN_3, EUR="4.3400")], archive, runs.start("nbp_archive.mid", archive, Job.Trigger.COMMAND))
    at("2024-01-04 11:00")
    publish([published(JAN_2, USD="3.9430", CHF="4.6000"), published(JAN_3, USD="3.9600")], nbp, job)
    at("2024-01-04 12:00")
    publish([published(JAN_3, sha="b", USD="3.9600", EUR="4.35")], nbp, job)
    at("2024-01-04 13:00")
    publish([published(JAN_2, sha="c", number="002/A/NBP/2024/K", USD="3.9501", CHF="4.6000")], nbp, job)
    at("2024-01-04 14:00")
    publish([published(JAN_2, sha="d", number="002/A/NBP/2024/L", USD="3.9501")], nbp, job)
    at("2024-01-04 15:00")
    overrides.add(usd(), "A", JAN_3, mid("3.9700"), "Misprint", "anna")
    at("2024-01-05 12:00")


def mid(value: str) -> dict[str, Decimal | None]:
    return {"mid": Decimal(value), "bid": None, "ask": None}


def kinds(answer: Any) -> list[tuple[str, str]]:
    return [(item["code"], item["kind"]) for item in answer["items"]]


def test_the_newest_stands_first_and_each_says_what_it_is(corrected: None, client: Client) -> None:
    answer = get(client)
    assert kinds(answer) == [
        ("USD", "manual"), ("CHF", "left_out"), ("USD", "correction"), ("EUR", "archive_replaced"),
    ]  # fmt: skip
    assert answer["count"] == 4


def test_a_correction_has_both_values_with_their_digits_numbers_and_hashes(
    corrected: None, client: Client, job: Job
) -> None:
    [row] = [item for item in get(client)["items"] if item["kind"] == "correction"]
    sides = {"mid": "3.9430", "bid": None, "ask": None, "source": "nbp"}
    rate = Rate.objects.get(instrument__code="USD", effective_date=JAN_2)
    revision = Revision.objects.get(rate=rate)
    assert row == {
        "id": revision.pk,
        "kind": "correction",
        "seen_at": "2024-01-04T12:00:00Z",
        "code": "USD",
        "table": "A",
        "effective_date": "2024-01-02",
        "old": sides | {"table_no": "002/A/NBP/2024", "sha256": "a" * 64},
        "new": sides | {"mid": "3.9501", "table_no": "002/A/NBP/2024/K", "sha256": "c" * 64},
        "rate": rate.pk,
        "job": job.pk,
        "override": None,
        "withdrawn_at": None,
        "provenance": f"/api/v1/provenance/revision/{revision.pk}",
    }


def test_an_archives_value_has_no_number_and_what_is_left_out_no_value(corrected: None, client: Client) -> None:
    rows = {item["code"]: item for item in get(client, to="2024-01-03")["items"] if item["kind"] != "manual"}
    old, new = rows["EUR"]["old"], rows["EUR"]["new"]
    assert (old["source"], old["mid"], old["table_no"], old["sha256"]) == ("nbp_archive", "4.3400", None, None)
    assert (new["source"], new["mid"]) == ("nbp", "4.35")
    assert (rows["CHF"]["old"]["mid"], rows["CHF"]["new"]["mid"]) == ("4.6000", None)


def test_a_manual_figure_has_author_and_reason_and_replaces_nothing(corrected: None, client: Client) -> None:
    row = get(client)["items"][0]
    assert row["override"] == {"author": "anna", "reason": "Misprint", "at": "2024-01-04T14:00:00Z"}
    assert (row["old"], row["new"]["mid"], row["new"]["source"], row["rate"]) == (None, "3.9700", "manual", None)
    assert (
        get(client, "/rates", code="USD", **{"from": "2024-01-03", "to": "2024-01-03"})["items"][0]["mid"] == "3.9600"
    )


@walk(
    ("parameters", "expected"),
    [
        ({"code": "eur"}, ["archive_replaced"]),
        ({"code": "USD"}, ["manual", "correction"]),
        ({"source": "nbp_archive"}, ["archive_replaced"]),
        ({"source": "NBP", "code": "USD"}, ["correction"]),
        ({"table": "B"}, []),
        ({"from": "2024-01-03"}, ["manual", "archive_replaced"]),
        ({"to": "2024-01-02"}, ["left_out", "correction"]),
        ({"seen_from": "2024-01-04T13:00:00Z"}, ["manual", "left_out"]),
        ({"seen_from": "2024-01-05"}, []),
        ({"limit": "2", "offset": "1"}, ["left_out", "correction"]),
        ({"offset": "4"}, []),
    ],
)
def test_filters_and_pages(corrected: None, client: Client, parameters: dict[str, str], expected: list[str]) -> None:
    assert [item["kind"] for item in get(client, **parameters)["items"]] == expected


def test_another_notation_is_not_listed(corrected: None, client: Client) -> None:
    Revision.objects.update(notation=True)
    assert [item["kind"] for item in get(client)["items"]] == ["manual"]


def test_a_value_of_a_source_that_is_not_public_is_not_listed(corrected: None, client: Client, settings: Any) -> None:
    Source.objects.filter(code="nbp_archive").update(public_api=False)
    assert "archive_replaced" not in [item["kind"] for item in get(client)["items"]]
    assert error(client.get("/revisions?source=nbp_archive"), 403)["code"] == "not_public"
    settings.API_TOKEN = "let-me-in"
    answer = client.get("/revisions", headers={"Authorization": "Bearer let-me-in"})
    assert answer.json()["count"] == 4
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_the_number_of_statements_does_not_grow_with_the_rows(
    corrected: None, client: Client, job: Job, nbp: Source, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(3):
        get(client, limit=1000)
    for number in range(5):
        publish([published(JAN_2, sha=str(number), USD=f"3.96{number}0")], nbp, job)
    with django_assert_num_queries(3):
        assert get(client, limit=1000)["count"] == 9


def test_the_answer_has_a_tag_and_changes_with_the_rows_alone(corrected: None, client: Client, at: At) -> None:
    first = client.get("/revisions")
    at("2024-01-05 13:00")
    again = client.get("/revisions", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


@walk(
    ("query", "status"),
    [
        *(("code=USB", 404), ("source=nobody", 404), ("code=", 422), ("table=D", 422), ("table=", 422)),
        *(("from=yesterday", 422), ("from=2024-02-30", 422), ("from=２０２４-01-01", 422), ("seen_from=", 422)),
        *(("seen_from=2024-01-04T12:00:00", 422), ("seen_from=2030-01-01", 400), ("limit=０", 422), ("limit=0", 422)),
        *(("from=2024-01-03&to=2024-01-02", 400), ("code=USD&code=EUR", 422), ("bogus=1", 422)),
        *(("code=" + "U" * 33, 422), ("code=U%00", 422), ("offset=99999999999999999999", 422)),
    ],
)
def test_bad_questions_get_the_envelope(corrected: None, client: Client, query: str, status: int) -> None:
    error(client.get(f"/revisions?{query}"), status)


def test_before_history_there_is_nothing(corrected: None, client: Client) -> None:
    assert get(client, **{"from": "0001-01-01", "to": "0001-01-02"}) == {"items": [], "count": 0}


def test_of_a_table_c_both_sides_are_shown(nbp: Source, job: Job, client: Client) -> None:
    for sha, ask in (("a", "4.0200"), ("b", "4.0300")):
        sides = RateRecord("USD", bid=Decimal("3.9400"), ask=Decimal(ask))
        publish([Table("C", date(2024, 1, 2), [sides], number="001/C/NBP/2024", sha256=sha)], nbp, job)
    [row] = get(client, table="C")["items"]
    assert (row["old"]["bid"], row["old"]["ask"], row["new"]["ask"]) == ("3.9400", "4.0200", "4.0300")
    assert row["old"]["mid"] is None
