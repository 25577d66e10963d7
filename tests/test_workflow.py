"""The workflows of GitHub and the hooks of git, as far as they can be read: no runner has run them here."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("ci", "release")
TARGETS = ["web", "live", "miner", "brain", "pulse"]


def text(name: str) -> str:
    return (ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")


def jobs(name: str) -> dict[str, dict[str, Any]]:
    return dict(yaml.safe_load(text(name))["jobs"])


def commands(job: dict[str, Any]) -> str:
    return "\n".join(str(step.get("run", "")) for step in job.get("steps", []))


CI = jobs("ci")


def test_the_tests_run_on_every_python_and_on_both_databases() -> None:
    for name, target in {"sqlite": "make test", "services": "make test-services"}.items():
        assert CI[name]["strategy"]["matrix"] == {"python": ["3.11", "3.12", "3.13"]}
        assert target in commands(CI[name]).splitlines()
    images = {name: service["image"] for name, service in CI["services"]["services"].items()}
    assert images == {"postgres": "postgres:16", "redis": "redis:7"}
    assert CI["services"]["env"].keys() == {"TEST_DATABASE_URL", "TEST_REDIS_URL"}


def test_each_image_is_built_and_searched_for_holes_that_stop_nothing() -> None:
    assert CI["image"]["strategy"]["matrix"] == {"target": TARGETS}
    build, trivy = commands(CI["image"]).strip().split("\n", 1)
    assert "docker build --target" in build
    assert re.search(r"aquasec/trivy:\d+\.\d+\.\d+ image .*--exit-code 0", trivy.replace("\\\n", ""), re.DOTALL)


def test_the_whole_is_tried_against_the_replica_and_ended_in_any_case() -> None:
    steps = CI["e2e"]["steps"]
    assert CI["e2e"]["env"] == {"COMPOSE_FILE": "docker-compose.yml:docker-compose.e2e.yml"}
    asked = commands(CI["e2e"])
    assert asked.index("docker compose up --build --wait") < asked.index("python3 -m tests.smoke http://127.0.0.1:8000")
    assert (steps[-1]["if"], steps[-1]["run"]) == ("always()", "docker compose down --volumes")


@pytest.mark.parametrize("name", NAMES)
def test_no_job_may_do_more_than_it_needs_or_run_for_ever(name: str) -> None:
    assert yaml.safe_load(text(name))["permissions"] == {"contents": "read"}
    assert "concurrency" in yaml.safe_load(text(name))
    more = {title: job["permissions"] for title, job in jobs(name).items() if "permissions" in job}
    assert more == ({"publish": {"contents": "write", "packages": "write"}} if name == "release" else {})
    assert all(0 < job["timeout-minutes"] <= 60 for job in jobs(name).values() if "steps" in job)


@pytest.mark.parametrize("name", NAMES)
def test_what_others_wrote_is_pinned(name: str) -> None:
    """Actions by commit: a tag can be moved. Images by their full version."""
    used = [line.strip() for line in re.findall(r"uses: (.*)", text(name))]
    ours = "./.github/workflows/ci.yml"
    assert used
    assert [
        one for one in used if one != ours and not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)
    ] == []
    run = re.findall(r"(?:rhysd|aquasec)/[\w:.]+", text(name))
    assert [one for one in run if not re.search(r":\d+\.\d+\.\d+$", one)] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_word_of_a_stranger_reaches_a_shell(name: str) -> None:
    """An expression in a command would put a branch's name or a title into the script."""
    assert [title for title, job in jobs(name).items() if "${{" in commands(job)] == []
    kept = [step for job in jobs(name).values() for step in job.get("steps", []) if "checkout" in step.get("uses", "")]
    assert all(step["with"] == {"persist-credentials": False} for step in kept)


def test_a_release_is_checked_tested_and_then_published_with_its_packages_listed() -> None:
    release = jobs("release")
    assert commands(release["version"]).strip() == 'python3 -m tests.release "$GITHUB_REF_NAME"'
    assert (release["ci"]["needs"], release["publish"]["needs"]) == ("version", "ci")
    published = commands(release["publish"])
    assert published.index("make sbom") < published.index("gh release create")
    assert "--notes-file notes.md sbom.json" in published
    assert re.findall(r"for target in (.*); do", published) == [" ".join(TARGETS)]


def test_the_targets_that_the_workflows_call_exist() -> None:
    made = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    called = {word for name in NAMES for word in re.findall(r"\bmake ([a-z-]+)", text(name))}
    assert {"lint", "test", "test-services", "workflows", "sbom"} <= called
    assert called <= made


def test_the_hooks_are_tools_of_this_checkout() -> None:
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert [repo["repo"] for repo in repos] == ["local"]
    hooks = repos[0]["hooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    assert all(hook["entry"].startswith((".venv/bin/", ".venv/tools/bin/")) for hook in hooks)
    assert {"ruff-check", "ruff-format", "end-of-file", "private-key"} <= {hook["id"] for hook in hooks}


def test_every_owner_owns_something_that_exists() -> None:
    lines = (ROOT / ".github" / "CODEOWNERS").read_text(encoding="utf-8").splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    assert rows[0][0] == "*"
    assert all(owners and all(owner.startswith("@") for owner in owners) for _, *owners in rows)
    assert [path for path, *_ in rows if path != "*" and not list(ROOT.glob(path.strip("/")))] == []
