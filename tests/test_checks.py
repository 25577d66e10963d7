"""What `manage.py check` warns of."""

from pathlib import Path
from typing import Any

import pytest
from django.core import checks


@pytest.fixture
def warnings(tmp_path: Path, settings: Any) -> Any:
    """The ids that a check of Charon's own gives under these settings."""
    settings.DATA_DIR = tmp_path

    def ask(**changes: object) -> list[str]:
        for name, value in changes.items():
            setattr(settings, name, value)
        return [str(found.id) for found in checks.run_checks() if str(found.id).startswith("charon.")]

    return ask


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.5"])
def test_debug_at_home_is_fine(warnings: Any, host: str) -> None:
    assert warnings(DEBUG=True, HOST=host) == []


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "charon.example"])
def test_debug_towards_the_network_is_warned_of(warnings: Any, host: str) -> None:
    assert warnings(DEBUG=True, HOST=host) == ["charon.W001"]
    assert warnings(DEBUG=False, HOST=host) == []


def test_a_short_secret_is_warned_of(warnings: Any) -> None:
    assert warnings(SECRET_KEY="x" * 31) == ["charon.W002"]
    assert warnings(SECRET_KEY="x" * 32) == []


def test_a_secret_that_others_can_read_is_warned_of(warnings: Any, tmp_path: Path) -> None:
    key = tmp_path / "secret_key"
    key.write_text("k")
    key.chmod(0o640)
    assert warnings() == ["charon.W003"]
    key.chmod(0o600)
    assert warnings() == []


@pytest.mark.parametrize(("names", "ids"), [([], []), (["NBP", "massive"], []), (["nbp", "npb"], ["charon.W005"])])
def test_a_source_that_no_provider_is_is_warned_of(warnings: Any, names: list[str], ids: list[str]) -> None:
    assert warnings(SOURCES=names) == ids
