import argparse
import json
import signal
import sys
import threading
from datetime import date
from pathlib import Path

from tests.replica import data, script, serve


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.replica",
        description=f"A local replica of a public price service.\n\n{data.__doc__}",
        epilog=script.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("service", choices=["nbp"])
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before every answer")
    parser.add_argument("--today", type=date.fromisoformat, help="YYYY-MM-DD; the real date in Warsaw unless given")
    parser.add_argument("--script", type=Path, help="a JSON file, its format is below")
    return parser.parse_args()


def main() -> None:
    asked = arguments()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    entries = json.loads(asked.script.read_text(encoding="utf-8")) if asked.script else ()
    data.load()
    with serve(today=asked.today, latency=asked.latency, script=entries, port=asked.port) as replica:
        sys.stdout.write(f"{replica.url}\n")
        sys.stdout.flush()
        stop.wait()


if __name__ == "__main__":
    main()
