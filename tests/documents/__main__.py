"""Write the generated parts anew: `python -m tests.documents`, or `make docs`."""

import os
import sys

import django

from tests.documents.markdown import ROOT, read
from tests.documents.pages import PAGES, rewritten


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    for page in PAGES:
        text = rewritten(page)
        if text != read(page):
            (ROOT / page).write_text(text, encoding="utf-8")
            sys.stdout.write(f"{page} is written anew\n")


if __name__ == "__main__":
    main()
