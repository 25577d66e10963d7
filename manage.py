#!/usr/bin/env python3
"""Django's command line for Charon."""

import gc
import io
import os
import sys


def main() -> None:
    # A folder may have a name that the terminal's encoding lacks; to say it must not end Charon.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "charon.settings")
    # Nothing that is loaded becomes garbage; looking for some was a quarter of the time (0.2 s).
    gc.disable()
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        if "runserver" not in sys.argv:  # it shows the errors of a module itself, and waits until they are mended
            django.setup()
        gc.freeze()  # and no collection writes into the pages that forked processes share
        gc.enable()
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
