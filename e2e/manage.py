"""`manage.py` under the clock of the walks."""

import sys

from django.core.management import execute_from_command_line

from e2e import clock

if __name__ == "__main__":
    clock.turn()
    execute_from_command_line(sys.argv)
