from django.db import migrations, models

from charon.kept import watched


def remove_triggers(apps, schema_editor):
    watched.remove(schema_editor.connection.alias)


class Migration(migrations.Migration):

    dependencies = [
        ('charon', '0001_task_counts'),
    ]

    operations = [
        migrations.CreateModel(
            name='ScopeNumber',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=16)),
                ('number', models.PositiveBigIntegerField(default=1)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        # The triggers themselves come after every migration: charon.kept.watched.install.
        migrations.RunPython(migrations.RunPython.noop, remove_triggers),
    ]
