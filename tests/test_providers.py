"""A provider is complete: wired, described, recorded, tested and documented; nothing of it lies about unused."""

import runpy
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import pytest

from markets.models import Source
from miner import providers, sources
from miner.collect import tables as table_collector
from miner.providers import PROVIDERS
from miner.providers.base import GoldSource, Provider, RateSource
from miner.providers.nbp import NBP

ROOT = Path(__file__).parent.parent
FOLDER = Path(providers.__file__).parent
NOT_PROVIDERS = {"__init__", "base"}
OURS = {code: provider for code, provider in PROVIDERS.items() if provider.__module__.startswith(providers.__name__)}

each = pytest.mark.parametrize("provider", OURS.values(), ids=OURS.keys())


def module_of(provider: type[Provider]) -> str:
    return provider.__module__.rpartition(".")[2]


def test_every_module_of_the_folder_is_wired_and_the_other_way_round() -> None:
    modules = {path.stem for path in FOLDER.glob("*.py")} - NOT_PROVIDERS
    assert modules == {module_of(provider) for provider in OURS.values()}


def test_each_is_known_by_its_own_code() -> None:
    assert all(code == provider.code for code, provider in PROVIDERS.items())


@each
def test_its_module_is_named_by_its_code(provider: type[Provider]) -> None:
    assert module_of(provider) == provider.code


@each
def test_its_answers_are_recorded_unless_it_is_an_archive(provider: type[Provider]) -> None:
    bodies = list((ROOT / "tests" / "recorded" / provider.code).glob("*"))
    assert provider.fallback_for or bodies


@each
def test_it_has_a_test_file(provider: type[Provider]) -> None:
    assert (ROOT / "tests" / f"test_{provider.code}.py").is_file()


@each
def test_the_docs_on_providers_name_it(provider: type[Provider]) -> None:
    text = (ROOT / "docs" / "adding-a-provider.md").read_text(encoding="utf-8")
    assert f"miner/providers/{module_of(provider)}.py" in text


@each
@pytest.mark.django_db
def test_its_facts_make_a_valid_source(provider: type[Provider], nbp: Source) -> None:
    row = Source.objects.get(code=provider.code)
    row.full_clean()
    facts = ("name", "url", "unit", "licence", "attribution")
    assert all(getattr(row, name) == getattr(provider, name) != "" for name in facts)
    assert (row.available, row.enabled) == (True, not provider.needs_key)


@each
@pytest.mark.django_db
def test_what_it_stands_in_for_exists(provider: type[Provider], nbp: Source) -> None:
    official = Source.objects.get(code=provider.code).fallback_for
    assert (official.code if official else "") == provider.fallback_for


@each
@pytest.mark.django_db
def test_each_of_its_tables_can_be_brought(provider: type[Provider], nbp: Source) -> None:
    built = sources.provider_of(Source.objects.get(code=provider.code))
    assert bool(provider.series) == issubclass(provider, RateSource | GoldSource)
    assert len({series.table for series in provider.series}) == len(provider.series)
    assert all(callable(table_collector.fetcher(built, series)) for series in provider.series)


def test_the_four_tables_of_the_nbp_are_asked_for_in_windows_that_it_accepts() -> None:
    assert [(series.table, series.window) for series in NBP.series] == [("A", 93), ("gold", 93), ("C", 93), ("B", 93)]


def test_a_package_of_other_people_adds_its_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("elsewhere", "tests.test_providers:NBP", "charon.providers")
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [point] if group == point.group else [])
    assert runpy.run_path(str(FOLDER / "__init__.py"))["PROVIDERS"] == OURS | {"elsewhere": NBP}


@pytest.mark.parametrize(
    "place",
    [
        "no_such_module:Any",
        "tests.test_providers:NoSuchClass",
        "tests.test_providers:ROOT",
        "tests.test_providers:FOLDER.parent.none",
        "tests.no_module_either",
        "tests.test_providers:SimpleNamespace",
    ],
)
def test_a_broken_package_of_other_people_is_told_and_left_out_and_the_others_stay(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    named = {"broken": place, "elsewhere": "tests.test_providers:NBP"}
    points = [EntryPoint(name, value, "charon.providers") for name, value in named.items()]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points if group == "charon.providers" else [])
    assert runpy.run_path(str(FOLDER / "__init__.py"))["PROVIDERS"] == OURS | {"elsewhere": NBP}
    (line,) = caplog.records
    assert (line.levelname, line.getMessage().startswith(f"The provider broken ({place}) is left out: ")) == (
        "ERROR",
        True,
    )


def test_a_source_that_no_code_knows_any_more_is_no_longer_available(nbp: Source) -> None:
    Source.objects.create(code="gone", name="Gone")
    sources.sync()
    assert not Source.objects.get(code="gone").available


def test_a_table_that_nobody_can_bring_is_a_fault_of_the_program() -> None:
    mute = SimpleNamespace(code="mute")
    with pytest.raises(TypeError, match="mute cannot bring A"):
        table_collector.fetcher(mute, NBP.series[0])  # type: ignore[arg-type]
