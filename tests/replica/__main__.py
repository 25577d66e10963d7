import argparse
import contextlib
import json
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple, get_args

from tests.replica import NBP, SERVICES, Server, data, fixings, onward, receiver, script, walk
from tests.replica.receiver import Receiver
from tests.replica.tables import Letter


class Broken(NamedTuple):
    """The table of so many working days before today has no line in it for so many seconds."""

    letter: Letter
    days: int
    seconds: float


DESCRIBED = data.__doc__, onward.__doc__, fixings.__doc__


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.replica",
        description="\n".join(["Local replicas of public price services.\n", *map(str, DESCRIBED)]),
        epilog=script.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("service", choices=[*SERVICES, Receiver.name, "all"])
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one; of `all` the first")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before every answer")
    parser.add_argument("--today", type=date.fromisoformat, help="YYYY-MM-DD, for the NBP; the real date unless given")
    parser.add_argument("--goes-on", action="store_true", help="made-up tables of the NBP up to its today")
    parser.add_argument("--broken", type=broken, action="append", default=[], help="C:10:180 (TABLE, days, seconds)")
    parser.add_argument("--now", type=moment, help="YYYY-MM-DDTHH:MM+00:00; time passes as it does unless given")
    parser.add_argument("--script", type=Path, help="a JSON file, its format is below; of `all` one script a name")
    parser.add_argument("--move", type=move, action="append", default=[], help="BTC:6:40:240 (CODE, percent, seconds)")
    parser.add_argument("--receiver", action="store_true", help="a receiver of webhooks as well")
    parser.add_argument("--env", action="store_true", help="print NAME_BASE_URL=address, for a shell")
    return parser.parse_args()


def moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError("a time zone is missing: 2026-10-26T12:00+00:00")
    return found


def move(text: str) -> walk.Move:
    """A jump that begins so many seconds after the start and ends so many after it."""
    code, percent, start, end = text.split(":")
    now = datetime.now(UTC).timestamp()
    return walk.Move(code, now + float(start), now + float(end), 1 + float(percent) / 100)


def broken(text: str) -> Broken:
    letter, days, seconds = text.split(":")
    found = next(one for one in get_args(Letter) if one == letter)
    return Broken(found, int(days), float(seconds))


def bank(asked: argparse.Namespace) -> NBP:
    """The NBP with its broken tables, which mend when their time has come."""
    service = NBP(asked.today, asked.goes_on)
    today = service.today_at(asked.now or datetime.now(UTC))
    for letter, days, seconds in asked.broken:
        day = onward.working_days_before(today, days)
        service.empty(letter, day)
        later = threading.Timer(seconds, service.mend, [letter, day])
        later.daemon = True
        later.start()
    return service


@contextlib.contextmanager
def running(asked: argparse.Namespace) -> Iterator[Mapping[str, str]]:
    """The base URL of each service that was asked for."""
    entries: Any = json.loads(asked.script.read_text(encoding="utf-8")) if asked.script else {}
    names = [*SERVICES, *([Receiver.name] if asked.receiver else [])] if asked.service == "all" else [asked.service]
    scripts = (entries or {}) if asked.service == "all" else {asked.service: entries or ()}
    with contextlib.ExitStack() as stack:
        urls = {}
        for place, name in enumerate(names):
            service = bank(asked) if name == NBP.name else (SERVICES | {Receiver.name: Receiver})[name]()
            port = asked.port + place if asked.port else 0
            chosen = {"now": asked.now, "latency": asked.latency, "script": scripts.get(name, ()), "port": port}
            urls[name] = stack.enter_context(Server(service, **chosen)).url
        yield urls


def main() -> None:
    asked = arguments()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if asked.service == NBP.name:
        data.load()
    walk.moves.extend(asked.move)
    with running(asked) as urls:
        for name, url in urls.items():
            if asked.env:
                sys.stdout.write(f"{name.upper()}_BASE_URL={url}\n")
            else:
                sys.stdout.write(f"{name} {url}\n" if asked.service == "all" else f"{url}\n")
        if asked.env:
            if Receiver.name in urls:
                sys.stdout.write(f"RECEIVER_SECRET={receiver.SECRET}\n")
            sys.stdout.write("\n")  # who reads as they come knows the last one
        sys.stdout.flush()
        stop.wait()


if __name__ == "__main__":
    main()
