"""Every fenced block of every document runs in a test: of each language it is said how, and of each block by whom."""

import configparser
import json
import re
import shutil
import subprocess
import textwrap
import tomllib
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.apps import apps
from django.db import connection

from markets import clock
from markets.models import Job, Source
from markets.records import RateRecord, Table
from markets.store.publish import publish
from signals.alerts.channels import webhook
from tests import channel_pushover
from tests.alert_rows import alert_event, channel, message
from tests.documents.blocks import Block, blocks, fences, in_language, pairs
from tests.documents.shell import commands
from tests.market import source
from tests.test_channel_webhook import MESSAGE
from tests.test_docs import names, read, section, table
from tests.test_docs_commands import manage, services
from tests.test_rules_laws import ThreeInARow

# The tests that run a block, by page and language, in the order of the blocks on the page.
RUN_BY: dict[tuple[str, str], list[str]] = {
    ("CONTRIBUTING.md", "python"): ["test_docs_blocks.py::test_what_is_typed_into_a_shell_runs"],
    ("docs/slo.md", "python"): ["test_docs_blocks.py::test_what_is_typed_into_a_shell_runs"] * 2,
    ("docs/adding-a-channel.md", "python"): [
        "test_channels_laws.py::test_the_example_of_the_page_is_the_channel_that_is_tested_here",
        "test_docs_blocks.py::test_the_line_of_a_registry_names_what_the_page_makes",
    ],
    ("docs/adding-a-provider.md", "python"): [
        "test_docs.py::test_the_example_provider_works",
        "test_completeness.py::test_the_smallest_provider_works_from_a_package_of_its_own",
    ],
    ("docs/adding-a-provider.md", "toml"): [
        "test_completeness.py::test_the_smallest_provider_works_from_a_package_of_its_own"
    ],
    ("docs/adding-a-rule.md", "python"): [
        "test_rules_laws.py::test_the_example_of_the_page_is_the_rule_that_is_tested_here",
        "test_docs_blocks.py::test_the_line_of_a_registry_names_what_the_page_makes",
    ],
    ("docs/alerts.md", "toml"): ["test_docs_blocks.py::test_the_case_of_the_page_is_the_first_of_the_file"],
    ("docs/data-model.md", "text"): ["test_docs_blocks.py::test_the_drawing_of_the_tables_names_tables"],
    ("docs/exports.md", "python"): ["test_exports_docs.py::test_pandas_reads_what_the_page_says"],
    ("docs/exports.md", "js"): ["test_exports_docs.py::test_a_page_of_another_origin_reads_it_with_fetch"],
    ("docs/exports.md", "text"): [
        "test_exports_docs.py::test_a_polish_sheet_imports_a_list",
        "test_exports_docs.py::test_power_query_reads_the_list_by_its_own_rules",
    ],
    ("docs/feeds.md", "html"): ["test_docs_answers.py::test_pictures_and_frames_of_the_page_are_there"],
    ("docs/reliability.md", "text"): ["test_docs_blocks.py::test_the_table_of_chaos_is_the_one_that_it_prints"],
    ("docs/technical.md", "mermaid"): ["test_docs_blocks.py::test_the_diagram_has_every_process_and_is_mermaid"],
    ("docs/technical.md", "python"): [
        "test_ledger_hashes.py::test_the_example_of_the_page_is_what_the_engine_computes",
        "test_outsider.py::test_the_outsider_of_the_page_is_the_one_that_is_tested",
    ],
    ("docs/technical.md", "json"): [
        "test_technical.py::test_the_message_of_new_figures",
        "test_technical.py::test_the_message_of_new_decisions",
        "test_technical.py::test_the_health_of_live",
    ],
    ("docs/webhooks.md", "python"): ["test_channel_webhook.py::test_the_receiver_of_the_docs_takes_each_message_once"],
    ("docs/webhooks.md", "json"): ["test_docs_blocks.py::test_the_message_of_a_webhook_has_the_fields_of_the_page"],
}
# Languages of which every block is run by one test, wherever it stands: commands by test_docs_commands.py, and below.
EVERYWHERE = {"sh", "cron", "ini", "nginx", "caddy", "yaml", "sql", "promql"}


def answers() -> set[Block]:
    """JSON that follows a question to the API at once; test_docs_answers.py asks it."""
    return {answer for question, answer in pairs("sh", "json") if "curl" in question.text}


def test_every_block_is_run_by_a_test() -> None:
    by_page: dict[tuple[str, str], list[Block]] = {}
    for block in blocks():
        if block.language not in EVERYWHERE and block not in answers():
            by_page.setdefault((block.page, block.language), []).append(block)
    counts = {place: len(found) for place, found in by_page.items()}
    assert counts == {place: len(tests) for place, tests in RUN_BY.items()}, "a block that nobody runs, or none to run"


def test_every_test_that_runs_a_block_is_there() -> None:
    for (page, _), tests in RUN_BY.items():
        for name in tests:
            file, _, function = name.partition("::")
            assert f"def {function}(" in read(f"tests/{file}"), name
            assert Path(page).name in read(f"tests/{file}"), f"{file} does not read {page}"


# Languages


@pytest.mark.parametrize("block", in_language("python"), ids=str)
def test_python_compiles(block: Block) -> None:
    text = textwrap.dedent(block.text)
    try:
        compile(text, str(block), "exec")
    except SyntaxError:  # a line of a table
        compile(f"{{{text}}}", str(block), "eval")


@pytest.mark.parametrize("block", in_language("toml"), ids=str)
def test_toml_is_read(block: Block) -> None:
    assert tomllib.loads(block.text)


def test_yaml_is_read() -> None:
    assert all(yaml.safe_load(block.text) for block in in_language("yaml"))


@pytest.mark.parametrize("block", in_language("ini"), ids=str)
def test_a_unit_is_read_and_starts_what_there_is(block: Block, tmp_path: Path) -> None:
    found = configparser.ConfigParser(strict=True, interpolation=None)
    found.read_string(block.text)
    assert set(found.sections()) <= {"Unit", "Service", "Install", "Timer", "Socket"}
    for section_of in found.sections():
        for command in commands(found[section_of].get("ExecStart", "")):
            words = command.words[command.words.index("manage.py") + 1 :]
            manage(words, tmp_path)


def directives(text: str) -> list[str]:
    """Of nginx or Caddy, without comments, each with what opens or ends it."""
    return [line.split(" #")[0].strip() for line in text.splitlines() if line.strip() and line.strip()[0] != "#"]


@pytest.mark.parametrize("block", in_language("nginx"), ids=str)
def test_nginx_takes_the_lines_of_a_server(block: Block, tmp_path: Path) -> None:
    lines = directives(block.text)
    assert block.text.count("{") == block.text.count("}")
    assert [line for line in lines if line[-1] not in "{;}"] == []
    if shutil.which("nginx"):
        whole = tmp_path / "nginx.conf"
        whole.write_text(
            f"events {{}}\nhttp {{ server {{ listen 127.0.0.1:8080;\n{block.text} }} }}\n", encoding="utf-8"
        )
        words = ["nginx", "-t", "-c", str(whole), "-p", str(tmp_path), "-g", f"pid {tmp_path}/pid; error_log stderr;"]
        ended = subprocess.run(words, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr


def test_caddy_takes_its_lines(tmp_path: Path) -> None:
    for block in in_language("caddy"):
        assert block.text.count("{") == block.text.count("}"), block
        if caddy := shutil.which("caddy"):
            file = tmp_path / "Caddyfile"
            file.write_text(block.text, encoding="utf-8")
            ended = subprocess.run([caddy, "adapt", "--config", str(file)], capture_output=True, text=True)
            assert ended.returncode == 0, f"{block}: {ended.stderr}"


@pytest.mark.django_db
def test_a_database_takes_every_statement() -> None:
    for block in in_language("sql"):
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN " + block.text.strip().rstrip(";"))


def test_prometheus_understands_every_question(tmp_path: Path) -> None:
    questions = [line for block in in_language("promql") for line in block.text.splitlines() if line.strip()]
    rules = [{"record": f"question:{number}", "expr": text} for number, text in enumerate(questions)]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "docs", "rules": rules}]}), encoding="utf-8")
    if questions and (promtool := shutil.which("promtool")):
        ended = subprocess.run([promtool, "check", "rules", str(file)], capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr


# Single blocks


def only(page: str, language: str, number: int = 0) -> str:
    return [block for block in in_language(language) if block.page == page][number].text


@pytest.fixture
def a_late_table_and_a_slow_message(nbp: Source, job: Job, at: Callable[[str], None]) -> None:
    source("coingecko", ["BTC"])
    event = alert_event()
    for moment in ("2026-11-18 12:20", "2026-11-19 13:10"):
        at(moment)
        published = Table("A", clock.today(), [RateRecord("USD", mid=Decimal("3.9"))], sha256="0" * 64)
        publish([published], nbp, job)
        message(channel(moment), event=event, step="fired")
    message(channel("slow"), event=event, step="fired", created_at=clock.now() - timedelta(minutes=2))


@pytest.mark.django_db
@pytest.mark.usefixtures("a_late_table_and_a_slow_message")
def test_what_is_typed_into_a_shell_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """`manage.py shell` brings every model."""
    pages = {page for (page, _), tests in RUN_BY.items() if "test_what_is_typed_into_a_shell_runs" in tests[0]}
    for block in (one for one in in_language("python") if one.page in pages):
        models: dict[str, Any] = {model.__name__: model for model in apps.get_models()}
        exec(compile(block.text, str(block), "exec"), models)
    assert capsys.readouterr().out == "late: 1 of 2 days: 2026-11-19\nslow: 1 of 3 messages\n"


def test_the_line_of_a_registry_names_what_the_page_makes() -> None:
    line = only("docs/adding-a-channel.md", "python", 1)
    assert eval(f"{{{line}}}", {"pushover": channel_pushover}) == {"pushover": channel_pushover.KIND}
    there: dict[str, Any] = {"RULES": {}, "ThreeInARow": ThreeInARow}
    exec(only("docs/adding-a-rule.md", "python", 1), there)
    assert there["RULES"]["three_in_a_row"]().name == "three_in_a_row_3"


def test_the_case_of_the_page_is_the_first_of_the_file() -> None:
    """`test_alert_cases.py` runs that file."""
    whole = tomllib.loads(read("docs/alert-cases.toml"))["case"]
    assert tomllib.loads(only("docs/alerts.md", "toml"))["case"] == whole[:1]


def test_the_drawing_of_the_tables_names_tables() -> None:
    named = set(re.findall(r"\b[A-Z]\w+", only("docs/data-model.md", "text")))
    assert named <= {model.__name__ for model in apps.get_models()}
    assert {"Source", "Publication", "Rate", "Signal"} <= named


def test_the_table_of_chaos_is_the_one_that_it_prints() -> None:
    head = only("docs/reliability.md", "text").splitlines()[0].split()
    printed = re.search(r"say\(f\"\\n(\{'table'.*)\"\)", read("tests/chaos/run.py"))
    assert printed
    assert re.findall(r"'(\w+)'", printed[1]) == head


def test_the_message_of_a_webhook_has_the_fields_of_the_page() -> None:
    told = json.loads(only("docs/webhooks.md", "json"))
    sent = json.loads(webhook.body_of(MESSAGE))
    assert {*told} == {*sent}
    assert {*told["data"]} == {*sent["data"]} - {*MESSAGE.data}


NODE = r"\w+(?:\(\[[^\[\]()]+\]\)|\[\([^\[\]()]+\)\]|\[[^\[\]()]+\])?"
ARROW = r"(?:-->|-\.->|---|==>)(?:\|[^|]+\|)?"


def test_the_diagram_has_every_process_and_is_mermaid() -> None:
    head, *edges = only("docs/technical.md", "mermaid").strip().splitlines()
    assert re.fullmatch(r"flowchart (LR|TD|TB|RL)", head)
    assert [line for line in edges if not re.fullmatch(rf"\s*{NODE}(?:\s{ARROW}\s{NODE})+", line)] == []
    nodes = set(re.findall(r"\b[a-z]+\b", re.sub(r"[\[(].*?[\])]+", "", "\n".join(edges))))
    processes = names(table(section("docs/technical.md", "## Processes and ports")))
    composed = {name for name, service in services().items() if "profiles" not in service} - {"postgres"}
    assert {*processes, *composed} <= nodes


def test_a_language_that_nobody_knows_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    strange = (*blocks(), Block("docs/technical.md", 1, "cobol", "STOP RUN.", after=False))
    monkeypatch.setattr("tests.test_docs_blocks.blocks", lambda: strange)
    with pytest.raises(AssertionError, match="nobody runs"):
        test_every_block_is_run_by_a_test()


def test_a_page_whose_block_does_not_end_is_found() -> None:
    with pytest.raises(AssertionError, match="line 2 is not closed"):
        list(fences(["text", "```sh", "ls"]))
