"""Write what the code knows (sources, timetables) into the database; operators' choices stay."""

from django.core.management.base import BaseCommand

from miner import schedule, sources


class Command(BaseCommand):
    help = "Write sources and timetables from the code into the database; operators' choices stay."

    def handle(self, *args: object, **options: object) -> None:
        sources.sync()
        schedule.write_all()
