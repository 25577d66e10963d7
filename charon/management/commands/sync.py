"""`manage.py sync`: writes sources and schedules from the code; operators' choices stay."""

from django.core.management.base import BaseCommand

from charon import detection
from charon.backoffice import groups
from charon.site_files import keeping
from markets import problems
from miner import schedule as miner_schedule
from miner import sources
from miner.fetch import http
from signals import schedule as brain_schedule
from signals.alerts import automatic
from signals.alerts import schedule as alert_schedule
from signals.outcomes import schedule as outcome_schedule


class Command(BaseCommand):
    help = "Write sources and timetables from the code into the database; operators' choices stay."

    def handle(self, *args: object, **options: object) -> None:
        sources.sync()
        miner_schedule.write_all()
        brain_schedule.write()
        alert_schedule.write()
        outcome_schedule.write()
        automatic.keep()
        detection.write_schedule()
        keeping.write_schedule()
        groups.write()
        problems.settle("proxy", http.problems())
