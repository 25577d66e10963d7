"""An index of the decisions of a rule: without it `/signals` of one read all decisions, to count them.

Writers wait while PostgreSQL builds it: 0.3 s of processor time for 106,000 decisions, and only brain writes them. Not
CONCURRENTLY: that waits for every older snapshot, also for that of a second `prepare`, which waits for this one.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("signals", "0007_words_of_the_admin")]
    operations = [
        migrations.AddIndex(
            "signal",
            models.Index(
                fields=["rule", "timeframe", "-as_of", "-version", "-id", "instrument"], name="signal_newest_of_rule"
            ),
        ),
    ]
