"""What polls, symbols and the queue say, as code and parameters beside its English text."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('miner', '0005_words_of_the_admin'),
    ]

    operations = [
        migrations.AddField(
            model_name='poll',
            name='error_message',
            field=models.JSONField(blank=True, editable=False, null=True, verbose_name='błąd: kod'),
        ),
        migrations.AddField(
            model_name='queueitem',
            name='error_message',
            field=models.JSONField(blank=True, editable=False, null=True, verbose_name='błąd: kod'),
        ),
        migrations.AddField(
            model_name='syncstatus',
            name='error_message',
            field=models.JSONField(blank=True, editable=False, null=True, verbose_name='błąd: kod'),
        ),
    ]
