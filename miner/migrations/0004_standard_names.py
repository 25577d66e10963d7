from django.db import migrations

RENAMED = {"beat": "poll", "queuetally": "queuecounters"}


def rename_rights(apps, schema_editor):
    """A right that an operator was given goes with its model: Django would make a new one and leave the old behind."""
    Permission = apps.get_model("auth", "Permission")
    for old, new in RENAMED.items():
        for row in Permission.objects.filter(content_type__app_label="miner", codename__endswith=f"_{old}"):
            row.codename = row.codename.removesuffix(old) + new
            row.save(update_fields=["codename"])


class Migration(migrations.Migration):
    """Standard names; tables and columns stay as they are."""

    dependencies = [("miner", "0003_past_of_listings"), ("auth", "0012_alter_user_first_name_max_length")]
    operations = [
        migrations.AlterModelTable("beat", "miner_beat"),
        migrations.RenameModel("Beat", "Poll"),
        migrations.AlterModelTable("queuetally", "miner_queuetally"),
        migrations.RenameModel("QueueTally", "QueueCounters"),
        migrations.RunPython(rename_rights, migrations.RunPython.noop),
    ]
