"""The announcements become the outbox: one open row an instrument, kind and consumer; the table stays."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

KINDS = {"currency": "rate", "pair": "rate", "metal": "gold"}
MAX_TRIES = 5


def move_rights(apps, schema_editor):
    """A right that an operator was given goes with its model: Django would make a new one and leave the old behind."""
    Permission = apps.get_model("auth", "Permission")
    for row in Permission.objects.filter(content_type__app_label="markets", codename__endswith="_ingest"):
        row.codename = row.codename.removesuffix("ingest") + "outboxevent"
        row.save(update_fields=["codename"])


def days_to_moments(apps, schema_editor):
    """PostgreSQL casts a date to its midnight; SQLite keeps the text of the day, which is shorter than a moment's."""
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute(
            "UPDATE markets_ingest SET from_date = from_date || ' 00:00:00', to_date = to_date || ' 00:00:00' "
            "WHERE length(from_date) = 10"
        )


def convert(apps, schema_editor):
    """Today's kinds; of several open rows of a series only the newest may be widened, the others are expired claims."""
    events = apps.get_model("markets", "OutboxEvent").objects
    for old, new in KINDS.items():
        events.filter(kind=old).update(kind=new)
    same = events.filter(instrument=OuterRef("instrument"), kind=OuterRef("kind"), processed=None)
    newer = same.filter(pk__gt=OuterRef("pk"), tries__lt=MAX_TRIES)
    is_old = Q(tries__gte=MAX_TRIES) | Q(Exists(newer))
    expired = list(events.filter(is_old, processed=None).values_list("pk", flat=True))
    events.filter(pk__in=expired).update(claimed_until=Now())


class Migration(migrations.Migration):

    dependencies = [("markets", "0007_standard_names"), ("auth", "0012_alter_user_first_name_max_length")]
    operations = [
        migrations.RemoveConstraint("ingest", "one_ingest_a_job"),
        migrations.RemoveIndex("ingest", "open_ingests"),
        migrations.AlterModelTable("ingest", "markets_ingest"),
        migrations.RenameModel("Ingest", "OutboxEvent"),
        migrations.AlterField(
            "outboxevent", "from_date", models.DateTimeField(db_column="from_date", verbose_name="od")
        ),
        migrations.RenameField("outboxevent", "from_date", "from_time"),
        migrations.AlterField("outboxevent", "to_date", models.DateTimeField(db_column="to_date", verbose_name="do")),
        migrations.RenameField("outboxevent", "to_date", "to_time"),
        migrations.AlterField(
            "outboxevent",
            "job",
            models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="outbox_events",
                to="markets.job",
                verbose_name="zadanie",
            ),
        ),
        migrations.AddField(
            "outboxevent",
            "consumer",
            models.CharField(
                choices=[("engine", "silnik sygnałów"), ("alerts", "alerty")],
                default="engine",
                max_length=8,
                verbose_name="odbiorca",
            ),
        ),
        migrations.AddField(
            "outboxevent",
            "claimed_by",
            models.CharField(blank=True, default="", max_length=120, verbose_name="przetwarza"),
        ),
        migrations.AddField(
            "outboxevent",
            "claimed_until",
            models.DateTimeField(blank=True, null=True, verbose_name="zajęte do"),
        ),
        migrations.RunPython(days_to_moments, migrations.RunPython.noop),
        migrations.RunPython(convert, migrations.RunPython.noop),
        migrations.RunPython(move_rights, migrations.RunPython.noop),
    ]
