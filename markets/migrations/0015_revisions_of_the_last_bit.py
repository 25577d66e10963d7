"""Revisions of two equal values are marked that 0013 did not find: in SQLite their last bits differed.

SQLite 3.40 reads 0.002877 as 0.0028770000000000002, and the writer took the two for different figures.
"""

from django.db import migrations
from django.db.models import F

VALUES = ("mid", "bid", "ask")


def mark(apps, schema_editor):
    """Django rounds what it reads to the decimals of the column, so that equal values are equal here."""
    if schema_editor.connection.vendor != "sqlite":
        return
    revisions = apps.get_model("markets", "Revision").objects.filter(notation=False)
    for row in list(revisions.iterator()):
        values = [(getattr(row, f"old_{name}"), getattr(row, f"new_{name}")) for name in VALUES]
        if values != [(None, None)] * len(VALUES) and all(old == new for old, new in values):
            revisions.filter(pk=row.pk).update(notation=True)
            jobs = apps.get_model("markets", "Job").objects
            jobs.filter(pk=row.job_id, revised__gt=0).update(revised=F("revised") - 1)


class Migration(migrations.Migration):

    dependencies = [("markets", "0014_partial_candles")]
    operations = [migrations.RunPython(mark, migrations.RunPython.noop)]
