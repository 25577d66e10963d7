"""The targets of make with what they say of themselves."""

import re

from tests.documents.markdown import read, table


def described() -> dict[str, str]:
    """Every target that `make help` lists, by its name."""
    return dict(re.findall(r"^([a-z0-9-]+):.*?## (.+)$", read("Makefile"), re.MULTILINE))


def targets() -> str:
    rows = [[f"`make {name}`", text] for name, text in sorted(described().items())]
    return table(["command", "what it does"], *rows)
