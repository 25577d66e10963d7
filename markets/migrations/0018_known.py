"""Since when official figures are known, and the figures that operators set.

A publication that is here already was first fetched when its bytes of today came: a moment before that is not recorded
anywhere. What an archive brought was there when its last run ended that wrote rows and is still in the jobs log; where
that was pruned, it is known since this migration.
"""

import django.db.models.deletion
import markets.clock
from django.db import migrations, models
from django.db.models import F, Max, Min
from django.utils import timezone


def fill(apps, schema_editor):
    apps.get_model("markets", "Publication").objects.update(first_fetched_at=F("fetched_at"))
    rates, jobs = apps.get_model("markets", "Rate").objects, apps.get_model("markets", "Job").objects
    for source in apps.get_model("markets", "Source").objects.exclude(fallback_for=None):
        last = rates.filter(source=source).aggregate(last=Max("pk"))["last"]
        if last is not None:
            family = rates.filter(source__in=(source.pk, source.fallback_for_id), table__in=("A", "B"), pk__lte=last)
            days = family.aggregate(from_day=Min("effective_date"), to_day=Max("effective_date"))
            runs = jobs.filter(source=source, status="success", rows_written__gt=0)
            read_at = runs.aggregate(last=Max("finished_at"))["last"] or timezone.now()
            apps.get_model("markets", "ArchiveReading").objects.create(
                source=source, edition=source.edition, last_rate=last, read_at=read_at, **days
            )


class Migration(migrations.Migration):

    dependencies = [
        ('markets', '0017_printable_names'),
    ]

    operations = [
        migrations.CreateModel(
            name='ArchiveReading',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('edition', models.CharField(blank=True, max_length=60, verbose_name='wydanie')),
                ('from_day', models.DateField(verbose_name='od dnia')),
                ('to_day', models.DateField(verbose_name='do dnia')),
                ('last_rate', models.PositiveBigIntegerField(verbose_name='ostatni kurs')),
                ('read_at', models.DateTimeField(verbose_name='wczytano')),
            ],
            options={
                'verbose_name': 'odczyt archiwum',
                'verbose_name_plural': 'odczyty archiwum',
                'ordering': ['source', 'read_at', 'id'],
            },
        ),
        migrations.CreateModel(
            name='Override',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('table', models.CharField(choices=[('A', 'A'), ('B', 'B'), ('C', 'C'), ('gold', 'gold'), ('eurofxref', 'eurofxref')], max_length=12, verbose_name='tabela')),
                ('effective_date', models.DateField(verbose_name='z dnia')),
                ('mid', models.DecimalField(blank=True, decimal_places=10, max_digits=20, null=True, verbose_name='kurs średni')),
                ('bid', models.DecimalField(blank=True, decimal_places=10, max_digits=20, null=True, verbose_name='kupno')),
                ('ask', models.DecimalField(blank=True, decimal_places=10, max_digits=20, null=True, verbose_name='sprzedaż')),
                ('scale', models.PositiveSmallIntegerField(editable=False, verbose_name='miejsca po przecinku')),
                ('author', models.CharField(editable=False, max_length=150, verbose_name='autor')),
                ('reason', models.CharField(max_length=300, verbose_name='uzasadnienie')),
                ('created_at', models.DateTimeField(editable=False, verbose_name='wpisano')),
                ('withdrawn_at', models.DateTimeField(editable=False, null=True, verbose_name='wycofano')),
                ('withdrawn_by', models.CharField(blank=True, editable=False, max_length=150, verbose_name='wycofał(a)')),
            ],
            options={
                'verbose_name': 'kurs wpisany ręcznie',
                'verbose_name_plural': 'kursy wpisane ręcznie',
                'ordering': ['-created_at', '-id'],
            },
        ),
        migrations.AddField(
            model_name='publication',
            name='first_fetched_at',
            field=models.DateTimeField(default=markets.clock.now, verbose_name='pobrano pierwszy raz'),
        ),
        migrations.AddIndex(
            model_name='revision',
            index=models.Index(fields=['-seen_at', '-id'], name='revision_newest'),
        ),
        migrations.AddField(
            model_name='archivereading',
            name='source',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='readings', to='markets.source', verbose_name='źródło'),
        ),
        migrations.AddField(
            model_name='override',
            name='instrument',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='overrides', to='markets.instrument', verbose_name='instrument'),
        ),
        migrations.AddConstraint(
            model_name='override',
            constraint=models.UniqueConstraint(condition=models.Q(('withdrawn_at', None)), fields=('instrument', 'table', 'effective_date'), name='one_override_a_figure'),
        ),
        migrations.AddConstraint(
            model_name='override',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ask__isnull', True), ('bid__isnull', True), ('mid__gt', 0), ('mid__isnull', False)), models.Q(('ask__gte', models.F('bid')), ('ask__isnull', False), ('bid__gt', 0), ('bid__isnull', False), ('mid__isnull', True)), _connector='OR'), name='override_is_positive'),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
