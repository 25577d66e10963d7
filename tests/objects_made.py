"""Which models rows become objects of, for tests of what is told without one."""

from collections.abc import Iterable
from typing import Any

import pytest
from django.db.models import Model


def noted(monkeypatch: pytest.MonkeyPatch, models: Iterable[type[Model]]) -> list[str]:
    """Their names, one for each object that is made from now on."""
    found: list[str] = []
    for model in models:

        def from_db(cls: Any, *row: Any, of_model: Any = model.from_db.__func__) -> Any:  # type: ignore[attr-defined]
            found.append(cls.__name__)
            return of_model(cls, *row)

        monkeypatch.setattr(model, "from_db", classmethod(from_db))
    return found
