"""The docs say what is true: variables, packages, files, tests, links and answers are compared with the code."""

import ast
import os
import re
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import respx
from django.urls import URLPattern

from charon.page_urls import page_urls
from charon.processes import supervisor
from charon.variables import ALIASES
from markets import problems
from markets.models import Job, Source
from markets.queries.source_state import State
from markets.records import RateRecord, Table
from markets.store.publish import publish
from miner.collect import failures
from miner.providers import PROVIDERS
from miner.providers.base import RateSource
from miner.providers.nbp import parse_tables
from signals.models import AnalysisSnapshot
from signals.tasks import catch_up
from tests.conftest import Leak
from tests.documents import blocks as blocks_of
from tests.documents import targets
from tests.test_engine import wave

ROOT = Path(__file__).resolve().parent.parent
PAGES = tuple(sorted(blocks_of.pages()))
README_LINES = 150


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def section(page: str, title: str) -> str:
    """From a heading to the next one of its level or above."""
    level, text = title.split(" ")[0], read(page)
    begin = re.search(rf"^{re.escape(title)}$", text, re.MULTILINE)
    assert begin, f"{page} has no heading {title!r}"
    rest = text[begin.end() :]
    end = re.search(rf"^#{{1,{len(level)}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def table(text: str) -> list[list[str]]:
    """The cells of every row of the Markdown tables in a text, heads and rulers left out."""
    rows = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if line.startswith("| ") and not following.startswith("|---"):
            rows.append([cell.strip() for cell in line.strip().strip("|").split("|")])
    return rows


def names(rows: list[list[str]]) -> list[str]:
    return [row[0].strip("`") for row in rows]


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", read(page), re.MULTILINE | re.DOTALL)


# Settings and packages


READERS = ("charon/settings.py", "charon/connections.py")


def reads() -> Iterator[tuple[str, Any]]:
    """(variable, its default where that is a constant) of each look into the environment that the settings take."""
    for node in (node for file in READERS for node in ast.walk(ast.parse(read(file)))):
        if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
            continue
        asked = ast.unparse(node.func)
        if re.fullmatch(r"env\.\w+|os\.environ\.get|choice|http_url|made_folder", asked):
            default = node.args[1] if len(node.args) > 1 else None
            yield str(node.args[0].value), default.value if isinstance(default, ast.Constant) else None


def shown(default: object) -> str:
    return str(int(default)) if isinstance(default, bool) else str(default)


def test_the_settings_are_read_in_no_other_way() -> None:
    found = [re.findall(r"\benviron\b.{5}|getenv", read(file)) for file in READERS]
    assert found == [["environ.get("], []]


def test_every_setting_has_a_row_and_every_row_a_setting() -> None:
    rows = names(table(section("docs/configuration.md", "## Variables")))
    assert sorted(rows) == sorted({name for name, _ in reads()} | ALIASES.keys())


def test_every_other_name_stands_in_one_table_with_what_it_means() -> None:
    rows = table(section("docs/configuration.md", "### Other names"))
    assert sorted(names(rows)) == sorted(ALIASES)
    for name, meaning, _ in rows:
        meant = ALIASES[name.strip("`")]
        assert meaning.startswith(f"`{meant}`" if meant else "nothing"), name
        assert not meant or meant in {read for read, _ in reads()}


def test_every_default_in_the_docs_is_that_of_the_code() -> None:
    documented = {row[0].strip("`"): row[1] for row in table(section("docs/configuration.md", "## Variables"))}
    constants = {name: shown(default) for name, default in reads() if default not in (None, "")}
    assert constants["PORT"] == "8000"
    assert {name: documented[name] for name in constants} == {name: f"`{value}`" for name, value in constants.items()}


def test_the_example_file_names_every_variable_and_no_other() -> None:
    lines = re.findall(r"^#? ?([A-Z][A-Z_]+)=", read(".env.example"), re.MULTILINE)
    assert sorted(lines) == sorted({name for name, _ in reads()} - {"ENV_FILE"})  # which names the file itself


def test_the_common_variables_come_first_and_few() -> None:
    main, reference = read(".env.example").split("# ---- Reference", 1)
    assert len(main.splitlines()) < 25
    assert {"PORT", "DATABASE_URL", "REDIS_URL", "API_TOKEN"} <= set(re.findall(r"^# ([A-Z_]+)=", main, re.MULTILINE))
    assert len(re.findall(r"^# [A-Z_]+=", reference, re.MULTILINE)) > 40


def test_the_short_list_of_variables_is_part_of_the_long_one() -> None:
    rows = table(section("docs/configuration.md", "## Backend configuration"))
    short = re.findall(r"`([A-Z_]+)`", "".join(row[0] for row in rows))
    assert len(short) == 9
    assert {*short, *re.findall(r"`([A-Z_]{4,})`", "".join(row[-1] for row in rows))} < {name for name, _ in reads()}


def pinned() -> list[str]:
    lines = [line for path in sorted(ROOT.glob("requirements*.in")) for line in path.read_text().splitlines()]
    return [re.split(r"\[|==", line)[0] for line in lines if "==" in line]


def test_every_pinned_package_has_its_reason_and_every_reason_a_package() -> None:
    rows = table(section("docs/configuration.md", "## Packages"))
    assert sorted(names(rows)) == sorted(set(pinned()))
    assert all(len(row[1]) > 10 for row in rows)


def test_the_oldest_python_is_the_same_everywhere() -> None:
    oldest = tomllib.loads(read("pyproject.toml"))["project"]["requires-python"]
    assert oldest == ">=3.11"
    assert "Python 3.11 or newer" in read("README.md")
    assert "Python 3.11 or newer" in read("Makefile")


# Files, links, targets


def test_the_readme_is_short() -> None:
    assert len(read("README.md").splitlines()) <= README_LINES


def test_what_is_said_to_be_where_exists() -> None:
    cells = "".join(row[0] for row in table(section("CONTRIBUTING.md", "## What is where")))
    listed = re.findall(r"`([^`]+)`", cells)
    assert {"charon/", "markets/", "miner/", "templates/", "static/", "tests/", "manage.py"} <= set(listed)
    assert [name for name in listed if not (ROOT / name).exists()] == []


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", read(page)):
        if target.startswith(("https://", "http://127.0.0.1")):
            continue
        if target.startswith("../../actions/workflows/"):  # of the host of the code, whoever owns the repository
            workflow = ROOT / ".github" / "workflows" / target.split("/")[4]
            assert workflow.is_file(), f"{page} has the badge of {workflow.name}"
            continue
        path, _, anchor = target.partition("#")
        there = (ROOT / page).parent / path if path else ROOT / page
        assert there.exists(), f"{page} links to {target}"
        headings = re.findall(r"^#+ (.*)$", there.read_text(encoding="utf-8"), re.MULTILINE) if anchor else []
        assert not anchor or anchor in map(slug, headings), f"{page} links to {target}"


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_exists(page: str) -> None:
    named = re.findall(
        r"`((?:charon|markets|miner|signals|tests|docs|bench|e2e|fuzz|static|templates)/(?:[\w/-]+\.\w+|(?:[\w-]+/)*))`",
        read(page),
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_readme_promises_targets_that_make_has() -> None:
    commands = re.findall(r"^make ([a-z]+)", blocks("README.md", "sh")[0], re.MULTILINE)
    assert commands == ["up", "test"]
    assert {"admin", "demo", "down", "compose-down"} <= set(re.findall(r"`make ([a-z0-9-]+)`", read("README.md")))


@pytest.mark.parametrize("page", PAGES)
def test_every_target_that_a_page_names_is_one_of_make(page: str) -> None:
    """Those of the changelog are of their time. `make docs` lists all of them in CONTRIBUTING.md."""
    named = set(re.findall(r"`make ([a-z][a-z0-9-]*)[` ]", read(page)))
    assert page == "CHANGELOG.md" or named <= targets.described().keys()


def test_the_pictures_are_shown() -> None:
    """Two of them by the README, as pictures; all of them by their page."""
    assert len(re.findall(r"^!\[[^\]]+\]\(docs/screenshots/[\w-]+\.png\)$", read("README.md"), re.MULTILINE)) == 2
    shown = set(re.findall(r"\]\(screenshots/([\w-]+\.png)\)", read("docs/pictures.md")))
    assert shown == {path.name for path in (ROOT / "docs" / "screenshots").glob("*.png")}


def test_the_readme_leads_to_every_page() -> None:
    """Or a page does to which it leads: the decisions stand in their own list."""
    led = set(re.findall(r"\]\((docs/[\w/-]+\.md)", read("README.md")))
    lists = "".join(read(page) for page in ("docs/operations.md", "docs/reliability.md", "CONTRIBUTING.md"))
    pages = {page for page in PAGES if page.startswith("docs/") and "/decisions/0" not in page}
    assert {page for page in pages - led if f"({Path(page).name}" not in lists and f"({page}" not in lists} == set()


def test_the_readme_says_how_to_run_it_on_ubuntu() -> None:
    """As a list to tick off; the page of operations has each point with its reason."""
    points = re.findall(r"^- \[ \] \*\*(.+?)\*\*", section("README.md", "## On Ubuntu"), re.MULTILINE)
    assert points == ["Packages.", "Docker", "Group.", "UFW.", "AppArmor.", "After a reboot."]
    long = re.findall(r"^\*\*(.+?)\*\*", section("docs/operations.md", "## On Ubuntu"), re.MULTILINE)
    assert len(long) == len(points)


def test_the_first_alert_takes_five_steps() -> None:
    steps = re.findall(r"^(\d)\. \*\*", read("docs/first-alert.md"), re.MULTILINE)
    assert steps == ["1", "2", "3", "4", "5"]
    assert "](docs/first-alert.md)" in read("README.md")


def test_every_metric_of_the_objectives_is_one_of_ours() -> None:
    named = set(re.findall(r"`((?:charon|alert)\w+_\w+)`", read("docs/slo.md")))
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "charon").rglob("*.py"))
    assert len(named) > 4
    assert [name for name in named if f'"{name.removesuffix("_total")}"' not in sources] == []


# Answers that are a part of another page.
PARTS = {"chart_data", "chart_table", "alert_preview", "acknowledge", "ui_asset", "ui_alerts"}


def test_every_address_of_a_page_is_described() -> None:
    told = names(table(section("docs/pipeline.md", "## The pages")))
    routes = {f"/{entry.pattern}" for entry in page_urls if isinstance(entry, URLPattern) and entry.name not in PARTS}
    assert {*told} == {re.sub(r"<\w+:(\w+)>", r"<\1>", route) for route in routes}
    assert len(told) > 20


def test_the_readme_says_that_nothing_is_advice() -> None:
    assert "It trades nothing. BUY, HOLD and\nSELL are names of the rule's results, no recommendation." in section(
        "README.md", "## No advice"
    )


def test_every_purpose_of_the_layers_names_files_that_exist() -> None:
    rows = table(section("docs/architecture.md", "## Layers by purpose"))
    purposes = dict(rows)
    for purpose, file in {
        "repository": "markets/models/querysets.py",
        "unit of work": "markets/store/publish.py",
        "service": "markets/queries/",
        "business log": "markets/jobs/runs.py",
        "exceptions": "miner/fetch/errors.py",
    }.items():
        assert file in purposes[purpose]
    paths = re.findall(r"`([\w/]+(?:\.py|/))`", "".join(purposes.values()))
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).exists()] == []


# Words of the code


def test_every_status_and_reason_of_a_job_is_explained() -> None:
    rows = table(section("docs/operations.md", "## What a job says"))
    assert sorted(names(rows)) == sorted([*Job.Status.values, *Job.Reason.values])


def test_every_kind_of_problem_is_explained_and_marked_where_it_costs_data() -> None:
    told = [row[0] for row in table(section("docs/operations.md", "## Problems"))]
    marked = {f"`{kind}` *" if words.strict else f"`{kind}`" for kind, words in problems.KINDS.items()}
    assert sorted(told) == sorted(marked)


def test_every_state_of_a_source_is_named() -> None:
    sentence = re.search(
        r"A state of a source .*? is one of (.*?);", section("docs/operations.md", "## Problems"), re.S
    )
    assert sentence
    assert sorted(re.findall(r"`(\w+)`", sentence[1])) == sorted(State)


def test_the_shares_of_refused_values_are_those_of_the_code() -> None:
    row = dict(table(section("docs/operations.md", "## Problems")))["`figures_refused`"]
    assert f"{failures.TOLD_SHARE:.0%} or more".replace("%", " %") in row
    assert f"above {failures.FAILED_SHARE:.0%} and ten".replace("%", " %") in row
    assert failures.FEW == 10


def test_the_time_to_end_is_the_supervisors() -> None:
    for page in ("docs/architecture.md", "docs/decisions/0025-supervised-process-groups.md"):
        assert f"{supervisor.GRACE:.0f} s" in read(page)


@pytest.fixture
def decided(nbp: Source, job: Job, at: Callable[[str], None]) -> None:
    at("2026-11-20 13:00")
    publish([Table("A", day, [RateRecord("USD", mid=value)]) for day, value in wave(600)], nbp, job)
    Job.objects.update(status=Job.Status.SUCCESS, lease_until=None)
    catch_up()


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.usefixtures("decided")
def test_every_figure_of_a_snapshot_is_described() -> None:
    told = set(re.findall(r"`(\w+)`", section("docs/pipeline.md", "### Which rows are kept")))
    stats = AnalysisSnapshot.objects.filter(status="ok")[0].stats
    assert "turned_id" in stats
    assert set(stats) - told == set()


def test_every_provider_has_a_row() -> None:
    rows = table(section("docs/adding-a-provider.md", "## Providers there are"))
    told = {row[0].strip("`"): row for row in rows}
    assert told.keys() == PROVIDERS.keys()
    for code, provider in PROVIDERS.items():
        assert f"`{provider.__module__.replace('.', '/')}.py`" == told[code][1]
        assert all(series.table in told[code][2] for series in provider.series)
        assert all(str(series.first) in told[code][3] for series in provider.series)


@respx.mock
def test_the_example_provider_works() -> None:
    example: dict[str, Any] = {"__name__": "example"}
    exec(compile(blocks("docs/adding-a-provider.md", "python")[0], "example.py", "exec"), example)
    bank = example["ExampleBank"]("https://bank.example/api/")
    assert isinstance(bank, RateSource)
    element = '{"day": "2024-01-02", "no": "1/2024", "rates": {"EUR": "4.3430", "USD": "n/a"}}'
    respx.get("https://bank.example/api/tables/2024-01-02/2024-01-03").respond(content=f" [{element}] ".encode())
    respx.get("https://bank.example/api/tables/2024-01-06/2024-01-07").respond(204)
    (sheet,) = bank.fetch_rates(date(2024, 1, 2), date(2024, 1, 3))
    euro, dollar = sheet.rates
    assert (str(euro.mid), dollar.fault) == ("4.3430", "n/a is not a number")
    assert sheet.sha256 == sha256(element.encode()).hexdigest()
    assert bank.fetch_rates(date(2024, 1, 6), date(2024, 1, 7)) == []


def test_the_recipe_gives_the_stored_proof() -> None:
    """One table as the NBP sends it when it is asked for alone."""
    body = (ROOT / "tests" / "recorded" / "nbp" / "tables_A.json").read_bytes()
    (stored,) = parse_tables(body, "A", "https://api.nbp.pl/api/")
    line = next(text for text in blocks("docs/data-model.md", "sh") if "sha256" in text)
    script = re.search(r'python3 -c "(.*)"$', line.strip())
    assert script
    asked = subprocess.run([sys.executable, "-c", script[1]], input=body, capture_output=True, check=True)
    assert asked.stdout.decode().strip() == stored.sha256


def test_no_test_reaches_the_network() -> None:
    with pytest.raises(Leak):
        socket.create_connection(("192.0.2.1", 443), timeout=1)
    with pytest.raises(Leak):
        socket.getaddrinfo("api.nbp.pl", 443)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_speaks_of_nothing_outside_the_project(page: str) -> None:
    text = read(page)
    assert not re.search(rf"\.\./shared|/work\b|{re.escape(str(ROOT))}", text)
    assert os.fspath(Path.home()) + "/" not in text
