"""News of the outbox know since when they wait; older ones do not."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("markets", "0021_messages_of_jobs")]
    operations = [
        migrations.AddField(
            "outboxevent", "opened_at", models.DateTimeField(editable=False, null=True, verbose_name="czeka od")
        ),
    ]
