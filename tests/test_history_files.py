"""Closed years as files: what stands in them, what a run writes, and what it leaves alone."""

import csv
import errno
import gzip
import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import brotli
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django_q.models import Schedule
from pytest_django import Settings

from charon.processes import data_dir_lock
from charon.site_files import columns, keeping, making
from markets.history_files import place
from markets.models import Problem, Rate, Source
from miner.slices import Slice
from tests.rate_days import gold, save, table

DAYS = (date(2024, 1, 2), date(2024, 12, 31), date(2025, 1, 2), date(2025, 12, 31))
HISTORY = Path("api/v1/history")


@pytest.fixture(name="history")
def two_closed_years(nbp: Source, at: Callable[[str], None]) -> None:
    """Two closed years and days of an open one, on 30 January."""
    at("2026-01-30 12:00")
    days = (*DAYS, date(2026, 1, 2))
    save(nbp, *(table("A", day, USD=f"3.93{number}0", EUR=f"4.3{number}") for number, day in enumerate(days)))
    save(nbp, *(table("B", day, AFN="0.05550000", USD="1.5") for day in DAYS[:2]))
    save(nbp, *(gold(day, f"30{number}.10") for number, day in enumerate(days)))


@pytest.fixture(name="kept")
def kept_folder(tmp_path: Path, history: None, settings: Settings) -> Path:
    settings.HISTORY_DIR = str(tmp_path / "site")
    keeping.run()
    return tmp_path / "site"


def export(root: Path) -> None:
    call_command("export-site", str(root), stdout=io.StringIO())


def file(root: Path, name: str) -> Path:
    return root / HISTORY / name


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def rows_of(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode())))


def lines(root: Path) -> dict[tuple[str, int], dict[str, Any]]:
    told = json.loads(file(root, "index.json").read_bytes())
    found = [dict(zip(told["columns"], row, strict=True)) for row in told["rows"]]
    return {(row["code"], row["year"]): row for row in found}


def test_a_file_has_the_figures_that_the_api_answers_for_the_same_days(
    client: Client, tmp_path: Path, history: None
) -> None:
    export(tmp_path)
    for code, field in (("USD", "mid"), ("AFN", "mid"), ("XAU", "price")):
        parameters = {"from": "2024-01-01", "to": "2024-12-31"}
        path = "/api/v1/gold" if code == "XAU" else f"/api/v1/rates?code={code}"
        answered = client.get(path, parameters if code == "XAU" else {"code": code, **parameters}).json()["items"]
        told = json.loads(file(tmp_path, f"{code}/2024.json").read_bytes())
        rows = [dict(zip(told["columns"], row, strict=True)) for row in told["rows"]]
        assert [(row["effective_date"], row[field], row["source"]) for row in rows] == [
            (row["effective_date"], row[field], row["source"]) for row in answered
        ]
        for name in {"table", "table_no"} & set(answered[0]):
            assert [row[name] for row in rows] == [row[name] for row in answered]
        assert rows_of(file(tmp_path, f"{code}/2024.csv").read_bytes()) == [
            told["columns"], *([cell or "" for cell in row] for row in told["rows"])
        ]  # fmt: skip
        assert told["unit"] == answered[0]["unit"]


def test_a_file_says_whose_figures_it_has_and_on_what_terms(client: Client, tmp_path: Path, history: None) -> None:
    export(tmp_path)
    answered = client.get("/rates", {"code": "USD", "from": "2024-01-02", "to": "2024-01-02", "expand": "source"})
    told = json.loads(file(tmp_path, "USD/2024.json").read_bytes())
    assert told["sources"] == [answered.json()["items"][0]["source"]]


def test_packed_files_hold_the_same_bytes_and_have_the_moment_of_the_plain_one(tmp_path: Path, history: None) -> None:
    export(tmp_path)
    for name in ("EUR/2025.json", "EUR/2025.csv", "index.json"):
        plain, packed, zipped = (file(tmp_path, name + ending) for ending in ("", ".br", ".gz"))
        assert brotli.decompress(packed.read_bytes()) == gzip.decompress(zipped.read_bytes()) == plain.read_bytes()
        assert len({path.stat().st_mtime_ns for path in (plain, packed, zipped)}) == 1
        assert plain.stat().st_mode & 0o777 == 0o644
    assert zipped.read_bytes()[4:8] == b"\0\0\0\0", "no moment of its own: the same years are the same bytes"


def test_a_year_is_closed_thirty_days_after_its_end(tmp_path: Path, history: None, at: Callable[[str], None]) -> None:
    at("2026-01-29 23:59")
    export(tmp_path)
    assert not file(tmp_path, "EUR/2025.json").exists()
    at("2026-01-30 00:00")
    export(tmp_path)
    assert file(tmp_path, "EUR/2025.json").exists()
    assert not file(tmp_path, "EUR/2026.json").exists()


def test_the_index_names_each_year_with_the_hash_of_its_bytes(tmp_path: Path, history: None) -> None:
    export(tmp_path)
    found = lines(tmp_path)
    assert set(found) == {
        ("AFN", 2024), ("EUR", 2024), ("EUR", 2025), ("USD", 2024), ("USD", 2025), ("XAU", 2024), ("XAU", 2025),
    }  # fmt: skip
    line = found["EUR", 2024]
    for kind in ("json", "csv"):
        data = (tmp_path / line[kind][1:]).read_bytes()
        assert data == file(tmp_path, f"EUR/2024.{kind}").read_bytes()
        assert line[f"{kind}_sha256"] == hashlib.sha256(data).hexdigest()
        assert line[kind] == f"/api/v1/history/EUR/2024.{line[f'{kind}_sha256'][:12]}.{kind}"
    assert (line["rows"], line["revised_at"]) == (2, None)


def test_a_second_run_writes_nothing_and_one_after_a_change_only_what_changed(tmp_path: Path, history: None) -> None:
    export(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / HISTORY).rglob("*.*") if path.is_file()}
    again = making.make(tmp_path, Slice()).done
    assert (again.written, again.kept) == (0, 14)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    Rate.objects.filter(instrument__code="EUR", effective_date=DAYS[0]).update(mid=Decimal("4.9"))
    assert making.make(tmp_path, Slice()).done.written == 2


def test_a_crash_in_the_middle_leaves_the_old_file_and_the_next_run_ends_what_was_begun(
    tmp_path: Path, history: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(tmp_path)
    plain = file(tmp_path, "EUR/2024.json")
    old = plain.read_bytes()
    Rate.objects.filter(instrument__code="EUR", effective_date=DAYS[0]).update(mid=Decimal("4.9"))
    replace, moves = Path.replace, list[Path]()

    def dies(self: Path, target: Path) -> Path:
        moves.append(target)
        if len(moves) % 4 == 0:
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", dies)
        with pytest.raises(KeyboardInterrupt):
            making.make(tmp_path, Slice())
    assert [path.suffix for path in moves] == [".br", ".gz", ".json", ".br"]
    assert plain.read_bytes() == old
    export(tmp_path)
    assert json.loads(plain.read_bytes())["rows"][0][1] == "4.90"
    assert not list(tmp_path.rglob(".tmp-*"))


def test_a_file_that_was_cut_is_written_again(tmp_path: Path, history: None) -> None:
    export(tmp_path)
    file(tmp_path, "EUR/2024.csv").unlink()
    file(tmp_path, "USD/2024.json.br").unlink()
    assert making.make(tmp_path, Slice()).done.written == 2
    assert brotli.decompress(file(tmp_path, "USD/2024.json.br").read_bytes())


def test_a_disk_without_room_leaves_the_old_files_and_ends_with_one_sentence(
    tmp_path: Path, history: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(tmp_path)
    old = file(tmp_path, "EUR/2024.json").read_bytes()
    Rate.objects.filter(instrument__code="EUR", effective_date=DAYS[0]).update(mid=Decimal("4.9"))

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CommandError, match=r"there is no room left\. The files of before stay"):
        export(tmp_path)
    assert file(tmp_path, "EUR/2024.json").read_bytes() == old
    assert not list(tmp_path.rglob(".tmp-*"))


def test_a_folder_that_cannot_be_one_is_refused_in_words(tmp_path: Path, history: None) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandError, match="file is no folder"):
        export(tmp_path / "file")
    with pytest.raises(CommandError, match="cannot be written: Not a directory"):
        export(tmp_path / "file" / "below")
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there")
    with pytest.raises(CommandError, match="is a symbolic link"):
        export(tmp_path / "link")
    file(tmp_path, "").mkdir(parents=True)
    file(tmp_path, "EUR").symlink_to(tmp_path / "there")
    with pytest.raises(CommandError, match=r"EUR is a symbolic link\. Nothing is written behind one"):
        export(tmp_path)
    assert names(tmp_path / "there") == set()


def test_two_exports_do_not_write_into_one_folder(tmp_path: Path, history: None) -> None:
    with data_dir_lock.take(tmp_path, making.LOCK), pytest.raises(CommandError, match=f"Another.*pid {os.getpid()}"):
        export(tmp_path)


def test_without_arrow_there_is_no_parquet_and_the_command_says_so(
    tmp_path: Path, history: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "is_installed", lambda: False)
    out = io.StringIO()
    call_command("export-site", str(tmp_path), stdout=out)
    assert "No Parquet: pyarrow is not installed: make exports" in out.getvalue()
    assert json.loads(file(tmp_path, "index.json").read_bytes())["parquet"] is None


def test_the_parquet_has_every_figure_of_the_files_with_its_digits(tmp_path: Path, history: None) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="make exports")
    export(tmp_path)
    told = json.loads(file(tmp_path, "index.json").read_bytes())["parquet"]
    data = (tmp_path / told["address"][1:]).read_bytes()
    assert (hashlib.sha256(data).hexdigest(), len(data)) == (told["sha256"], told["bytes"])
    rows = parquet.read_table(file(tmp_path, "history.parquet")).to_pylist()
    assert len(rows) == told["rows"] == 14
    [one] = [row for row in rows if row["code"] == "AFN" and row["effective_date"] == DAYS[0]]
    assert Decimal(one["units"]).scaleb(-one["scale"]) == Decimal("0.0555")
    assert (one["scale"], one["table_no"], one["unit"], one["quote"]) == (8, "002/B/NBP/2024", "1", "PLN")


def test_a_correction_takes_the_files_of_its_year_away_before_the_answer_changes(
    client: Client, kept: Path, nbp: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = lines(kept)["EUR", 2024]["json"]
    seen = []
    of = place.Withdrawal.of

    def watched(self: place.Withdrawal, codes: Any, years: Any) -> None:
        of(self, codes, years)
        seen.append(names(kept / HISTORY / "EUR"))

    monkeypatch.setattr(place.Withdrawal, "of", watched)
    save(nbp, table("A", DAYS[0], USD="3.9300", EUR="4.99"))
    assert not {"2024.json", "2024.json.br", "2024.csv"} & seen[-1], "within the transaction"
    assert {"2025.json", "2025.csv"} <= seen[-1]
    assert ("EUR", 2024) not in lines(kept)
    assert not file(kept, "history.parquet").exists()
    assert client.get("/api/v1/history/EUR/2024.json").json()["rows"][0][1] == "4.99"
    keeping.run()
    line = lines(kept)["EUR", 2024]
    assert json.loads((kept / line["json"][1:]).read_bytes())["rows"][0][1] == "4.99"
    assert line["revised_at"] is not None
    assert (kept / old[1:]).exists(), "an address with a hash stays true"
    assert client.get(old).json()["rows"][0][1] == "4.30"


def test_a_disk_without_room_keeps_no_correction_back_and_no_older_file(
    client: Client, kept: Path, nbp: Source, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def full(self: Path, *_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    with monkeypatch.context() as patch, django_capture_on_commit_callbacks(execute=True):
        patch.setattr(Path, "touch", full)
        save(nbp, table("A", DAYS[0], USD="3.9300", EUR="4.99"))
    assert not file(kept, "EUR/2024.json").exists()
    assert client.get("/api/v1/history/EUR/2024.json").json()["rows"][0][1] == "4.99"
    assert not file(kept, "index.json").exists()
    [problem] = Problem.objects.filter(kind="history_files", closed_at=None)
    assert "No space left" in problem.detail


@pytest.mark.parametrize("left", [b"", b"\0\0", b'{"rows":[', b"[]", b"{}"])
def test_an_index_that_a_power_cut_left_keeps_back_no_figure_and_is_made_anew(
    client: Client, kept: Path, nbp: Source, left: bytes
) -> None:
    file(kept, "index.json").write_bytes(left)
    nbp.save()
    save(nbp, table("A", DAYS[0], USD="3.9300", EUR="4.99"))
    assert client.get("/api/v1/history/EUR/2024.json").json()["rows"][0][1] == "4.99"
    file(kept, "index.json").write_bytes(left)
    keeping.run()
    assert ("EUR", 2024) in lines(kept)


def test_a_transaction_that_is_undone_leaves_answers_as_they_were(
    client: Client, kept: Path, nbp: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = client.get("/api/v1/history/EUR/2024.json").content
    of = place.Withdrawal.of

    def breaks(self: place.Withdrawal, codes: Any, years: Any) -> None:
        of(self, codes, years)
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch, pytest.raises(RuntimeError):
        patch.setattr(place.Withdrawal, "of", breaks)
        save(nbp, table("A", DAYS[0], USD="3.9300", EUR="4.99"))
    assert not file(kept, "EUR/2024.json").exists()
    assert client.get("/api/v1/history/EUR/2024.json").content == before
    keeping.run()
    assert file(kept, "EUR/2024.json").read_bytes() == before


def test_files_of_older_figures_are_not_put_back_while_a_correction_is_being_committed(kept: Path) -> None:
    with place.Withdrawal() as held:
        held.of({"EUR"}, {2024})
        assert "EUR" in making.make(kept, Slice(), only=()).done.waiting
        assert not file(kept, "EUR/2024.json").exists()
    assert place.marks(kept) == ["EUR"], "it is done at the next tick"
    keeping.run()
    assert file(kept, "EUR/2024.json").exists()
    assert place.marks(kept) == []


def test_figures_of_an_open_year_touch_no_file(kept: Path, nbp: Source) -> None:
    before = names(kept / HISTORY / "EUR")
    save(nbp, table("A", date(2026, 1, 5), USD="3.9300", EUR="4.99"))
    assert names(kept / HISTORY / "EUR") == before
    assert place.marks(kept) == []


def test_old_hashes_go_after_thirty_days(kept: Path, nbp: Source, at: Callable[[str], None]) -> None:
    old = kept / lines(kept)["EUR", 2024]["json"][1:]
    save(nbp, table("A", DAYS[0], USD="3.9300", EUR="4.99"))
    keeping.run()
    at("2026-03-01 11:59")
    keeping.run()
    assert old.exists()
    at("2026-03-02 12:01")
    keeping.run()
    assert not old.exists()
    assert not old.with_name(old.name + ".br").exists()


def test_a_source_that_may_no_longer_be_shown_takes_its_files_along(kept: Path, nbp: Source) -> None:
    nbp.enabled = False
    nbp.save()
    assert file(kept, "EUR/2024.json").exists(), "what the files say of it is the same"
    nbp.public_api = False
    nbp.save()
    assert not list((kept / HISTORY).rglob("*.json"))
    assert not list((kept / HISTORY).rglob("*.parquet"))


@pytest.mark.parametrize("take_away", ["a correction", "an operator"])
def test_what_is_packed_goes_before_the_plain_file(
    kept: Path, nbp: Source, monkeypatch: pytest.MonkeyPatch, take_away: str
) -> None:
    """nginx sends a packed one without a look for the plain one: alone it would be served after a crash."""
    alone: set[str] = set()
    unlink = Path.unlink

    def watched(path: Path, *, missing_ok: bool = False) -> None:
        unlink(path, missing_ok=missing_ok)
        there = {str(one.relative_to(kept)) for one in (kept / HISTORY).rglob("*.*")}
        alone.update(one for one in there if one.endswith(place.PACKED) and one[:-3] not in there)

    monkeypatch.setattr(Path, "unlink", watched)
    if take_away == "a correction":
        place.withdraw(kept, ["USD"], [2024])
    else:
        place.forget_all()
    assert not file(kept, "USD/2024.json.br").exists()
    assert alone == set()


def test_a_disk_that_fails_keeps_no_choice_of_an_operator_back_and_is_told(
    kept: Path, nbp: Source, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def broken(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    with monkeypatch.context() as patch, django_capture_on_commit_callbacks(execute=True):
        patch.setattr(shutil, "rmtree", broken)
        nbp.public_api = False
        nbp.save()
    assert not Source.objects.get(pk=nbp.pk).public_api
    [problem] = Problem.objects.filter(kind="history_files", closed_at=None)
    assert "Read-only file system" in problem.detail
    keeping.run()
    assert {path.name for path in (kept / HISTORY).rglob("*.json")} == {"index.json"}
    assert lines(kept) == {}


def test_a_slice_that_is_over_leaves_the_rest_to_the_next_tick(
    tmp_path: Path, history: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HISTORY_DIR = str(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(keeping, "Slice", lambda _seconds: Slice(0))
        assert [keeping.run().rpartition("up to ")[2] for _ in range(2)] == ["AFN", "AUDUSD"]
    assert not file(tmp_path, "index.json").exists()
    keeping.run()
    assert len(lines(tmp_path)) == 7
    assert keeping.run() == "current"


def test_what_the_disk_does_not_take_is_a_problem_until_it_does(
    tmp_path: Path, history: None, settings: Settings
) -> None:
    (tmp_path / "site").write_text("")
    settings.HISTORY_DIR = str(tmp_path / "site")
    assert keeping.run() == "failed"
    [problem] = Problem.objects.filter(kind="history_files", closed_at=None)
    assert "is no folder" in problem.detail or "Not a directory" in problem.detail
    (tmp_path / "site").unlink()
    keeping.run()
    assert not Problem.objects.filter(kind="history_files", closed_at=None).exists()


def test_nothing_is_kept_unless_a_folder_is_named(settings: Settings, db: None) -> None:
    assert not settings.HISTORY_DIR
    assert keeping.run() == "off"
    call_command("sync")
    assert not Schedule.objects.filter(name=keeping.NAME).exists()
    settings.HISTORY_DIR = "/nowhere"
    keeping.write_schedule()
    assert Schedule.objects.get(name=keeping.NAME).minutes == 1
