from django.db import migrations, models


class Migration(migrations.Migration):
    """New rows say what they stand on; those of earlier releases keep null, for nobody knows."""

    dependencies = [("signals", "0003_rules")]
    operations = [
        migrations.AddField("signal", "inputs", models.CharField("skrót danych", max_length=64, null=True)),
        migrations.AddField("signal", "params", models.CharField("skrót parametrów", max_length=64, null=True)),
        migrations.AddField("signal", "program", models.CharField("program", max_length=60, null=True)),
    ]
