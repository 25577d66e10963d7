"""Names of instruments lose control characters and those that turn the direction of writing: they are written once."""

import unicodedata

from django.db import migrations

UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def printable(text):
    shown = (" " if sign.isspace() else sign for sign in text if sign.isspace() or unicodedata.category(sign) not in UNSEEN)
    return " ".join("".join(shown).split())


def clean(apps, schema_editor):
    instruments = apps.get_model("markets", "Instrument").objects
    for row in instruments.only("name_pl", "name_en", "base"):
        names = [printable(row.name_pl) or row.base, printable(row.name_en) or row.base]
        if names != [row.name_pl, row.name_en]:
            instruments.filter(pk=row.pk).update(name_pl=names[0], name_en=names[1])


class Migration(migrations.Migration):

    dependencies = [("markets", "0016_client_tokens")]
    operations = [migrations.RunPython(clean, migrations.RunPython.noop)]
