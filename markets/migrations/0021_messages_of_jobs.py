"""Jobs, notes and problems as code and parameters, beside their English text; older rows have none."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("markets", "0020_words_of_the_admin"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="error_message",
            field=models.JSONField(blank=True, editable=False, null=True, verbose_name="błąd: kod"),
        ),
        migrations.AddField(
            model_name="job",
            name="note_messages",
            field=models.JSONField(blank=True, editable=False, null=True, verbose_name="uwagi: kody"),
        ),
        migrations.AddField(
            model_name="problem",
            name="detail_message",
            field=models.JSONField(blank=True, editable=False, null=True, verbose_name="szczegóły: kod"),
        ),
    ]
