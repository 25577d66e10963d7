import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('markets', '0008_outbox'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Gap',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('table', models.CharField(max_length=12, verbose_name='tabela')),
                ('from_time', models.DateTimeField(verbose_name='od')),
                ('to_time', models.DateTimeField(verbose_name='do')),
                ('reason', models.CharField(choices=[('first_fill', 'historia jest dopiero wczytywana'), ('failed', 'zapytanie się nie udało'), ('empty', 'źródło nic nie podało'), ('refused', 'wartość odrzucona'), ('missing', 'brak świec pomiędzy sąsiednimi')], max_length=12, verbose_name='powód')),
                ('tries', models.PositiveSmallIntegerField(default=0, verbose_name='próby')),
                ('next_try', models.DateTimeField(blank=True, null=True, verbose_name='następna próba')),
                ('accepted_at', models.DateTimeField(blank=True, null=True, verbose_name='zaakceptowano')),
            ],
            options={
                'verbose_name': 'luka',
                'verbose_name_plural': 'luki',
                'ordering': ['source', 'table', 'from_time'],
            },
        ),
        migrations.AddIndex(
            model_name='outboxevent',
            index=models.Index(condition=models.Q(('processed', None)), fields=['consumer', 'instrument'], name='open_events'),
        ),
        migrations.AddConstraint(
            model_name='outboxevent',
            constraint=models.UniqueConstraint(condition=models.Q(('claimed_until', None), ('processed', None)), fields=('instrument', 'kind', 'consumer'), name='one_open_event'),
        ),
        migrations.AddField(
            model_name='gap',
            name='accepted_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL, verbose_name='zaakceptował'),
        ),
        migrations.AddField(
            model_name='gap',
            name='instrument',
            field=models.ForeignKey(blank=True, help_text='puste: cała tabela', null=True, on_delete=django.db.models.deletion.CASCADE, to='markets.instrument', verbose_name='instrument'),
        ),
        migrations.AddField(
            model_name='gap',
            name='source',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='markets.source', verbose_name='źródło'),
        ),
        migrations.AddIndex(
            model_name='gap',
            index=models.Index(fields=['source', 'table', 'from_time'], name='gap_place'),
        ),
    ]
