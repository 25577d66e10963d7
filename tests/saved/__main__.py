"""Write the saved answers and schemas anew: `python -m tests.saved`, or `make saved`.

The schema of PostgreSQL needs one: TEST_DATABASE_URL, that of this machine, or one of our own if it is installed.
"""

import os
import subprocess
import sys
from contextlib import ExitStack

from tests.processes import ROOT
from tests.saved.comparing import REWRITE
from tests.services import lacking, machine_postgres, own_postgres, say

TEST = "tests/test_saved.py"


def main() -> int:
    # The answers come from SQLite, as whoever changes them has it; test-services holds PostgreSQL to the same bytes.
    if end := rewrite({"TEST_DATABASE_URL": "", "TEST_REDIS_URL": ""}):
        return end
    with ExitStack() as servers:
        address = os.environ.get("TEST_DATABASE_URL") or machine_postgres()
        if not address and lacking():
            say("The schema of PostgreSQL stays as it was: there is none here")
            return 0
        return rewrite({"TEST_DATABASE_URL": address or servers.enter_context(own_postgres())}, "-k", "schema")


def rewrite(env: dict[str, str], *words: str) -> int:
    asked = {name: value for name, value in (os.environ | env).items() if value or name not in env}
    command = [sys.executable, "-m", "pytest", "-n0", "-m", "", TEST, *words]  # slow ones too
    return subprocess.run(command, cwd=ROOT, env=asked | {REWRITE: "1"}).returncode


if __name__ == "__main__":
    sys.exit(main())
