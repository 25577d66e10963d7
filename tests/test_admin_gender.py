"""Django's Polish for the admin, without the endings in brackets that leave gender and number to the reader."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils.translation import trans_real

OPEN_ENDING = re.compile(r"\w\(-?\w{1,4}\)|z nim/nią|go/ją/je|pole/pola")


def texts() -> list[str]:
    """What each text of all catalogues is in Polish; the first catalogue that has it wins."""
    found: dict[Any, Any] = {}
    polish: Any = trans_real.translation("pl")
    for catalog in polish._catalog._catalogs:
        found = catalog | found
    return [text for key, text in found.items() if key and isinstance(text, str)]


def test_no_polish_text_of_django_leaves_an_ending_open() -> None:
    assert [text for text in texts() if OPEN_ENDING.search(text)] == []


@pytest.mark.django_db
def test_a_saved_and_a_removed_row_are_told_in_polish(admin_client: Client) -> None:
    told = admin_client.post("/admin/auth/group/add/", {"name": "analitycy"}, follow=True)
    assert "Dodano: grupa „<a" in told.content.decode()
    row = Group.objects.get(name="analitycy")
    told = admin_client.post(f"/admin/auth/group/{row.pk}/delete/", {"post": "yes"}, follow=True)
    assert "Usunięto: grupa „analitycy”." in told.content.decode()
