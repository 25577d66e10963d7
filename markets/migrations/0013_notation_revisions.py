"""Revisions of the notation alone (366.90 and 366.9) are marked, and their figures show all digits ever published."""

from django.db import migrations, models
from django.db.models import F, Q

VALUES = ("mid", "bid", "ask")


def same_values():
    """Both sides of the revision are equal, and there is one: a figure that was left out has no new values."""
    equal = Q(new_mid__isnull=False) | Q(new_bid__isnull=False)
    for name in VALUES:
        both_absent = Q(**{f"old_{name}__isnull": True, f"new_{name}__isnull": True})
        equal &= both_absent | Q(**{f"old_{name}": F(f"new_{name}")})
    return equal


def mark(apps, schema_editor):
    revisions = apps.get_model("markets", "Revision").objects
    revisions.filter(same_values()).update(notation=True)
    for row in list(revisions.filter(notation=True).select_related("rate").order_by("pk")):
        uncount(apps, row)
        show_all_digits(apps, row)


def uncount(apps, revision):
    """The log of its job counts corrections, and this was none."""
    apps.get_model("markets", "Job").objects.filter(pk=revision.job_id, revised__gt=0).update(revised=F("revised") - 1)


def show_all_digits(apps, revision):
    """Only where the figure and its source are still those of the revision."""
    rate, scale = revision.rate, max(revision.old_scale, revision.new_scale)
    stands = all(getattr(rate, name) == getattr(revision, f"new_{name}") for name in VALUES)
    same_source = revision.old_source_id == revision.new_source_id == rate.source_id
    if not (stands and same_source and rate.scale < scale):
        return
    apps.get_model("markets", "Rate").objects.filter(pk=rate.pk, scale__lt=scale).update(scale=scale)
    quotes = apps.get_model("markets", "Quote").objects.filter(instrument=rate.instrument_id, source=rate.source_id)
    quotes.filter(table=rate.table, effective_date=rate.effective_date, price=rate.mid).update(scale=scale)
    quotes.filter(previous_date=rate.effective_date, previous=rate.mid).update(previous_scale=scale)


class Migration(migrations.Migration):

    dependencies = [("markets", "0012_gaps_asked_again")]
    operations = [
        migrations.AddField(
            "revision",
            "notation",
            models.BooleanField(db_default=False, default=False, editable=False, verbose_name="tylko zapis"),
        ),
        migrations.RunPython(mark, migrations.RunPython.noop),
    ]
