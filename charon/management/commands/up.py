"""`manage.py up`: all processes of Charon on one machine, in the foreground, after migrate and sync."""

import logging
import multiprocessing
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from charon.processes import data_dir_lock, forked, listen_socket, task_broker, terminal
from charon.processes.child_process import Child
from charon.processes.listen_socket import Place
from charon.processes.liveness import Answer, Beats, Watch, answers
from charon.processes.queue_heartbeat import Heartbeat
from charon.processes.supervisor import Stop, stop_on_signal, supervise
from charon.serving import worker_beat
from charon.startup_messages import said
from markets.jobs import job_leases, runs
from miner.pulse import polls
from signals import tasks as engine_tasks

logger = logging.getLogger(__name__)

# A small one, which needs no database: web is asked for it.
FILE = "/static/favicon.svg"


class Command(BaseCommand):
    help = "Run Charon on this machine, in the foreground; Ctrl-C ends it."
    # What an operator may have set by mistake. The checks of addresses and forms are for those who change the code, and
    # load all pages and the whole API: a second and 32 MB for each process that answers no request.
    requires_system_checks = [checks.Tags.security]

    def handle(self, *args: Any, **options: Any) -> None:
        with stop_on_signal() as stop, terminal.foreground():
            try:
                self.run(stop)
            except KeyboardInterrupt:
                return
            except CommandError as error:
                self.stderr.write(str(error))
                sys.exit(1)

    def run(self, stop: Stop) -> None:
        with locked_data_dir(), listen_socket.reserve(settings.HOST, settings.PORT) as place:
            if settings.REDIS_URL:
                listen_socket.check_free(settings.HOST, settings.LIVE_PORT, "LIVE_PORT")
            compile_beside()
            prepare_apart()
            announced = False

            def announce_when_ready() -> None:
                nonlocal announced
                multiprocessing.active_children()  # takes leave of the compiler when that has ended
                if not announced and place.answers():
                    announced = True
                    self.announce(place)

            try:
                supervise(children(place), stop, announce_when_ready)
            finally:
                record_interrupted_work()

    def announce(self, place: Place) -> None:
        lines = [f"Charon: {place.url}", said("  data:  {}", settings.DATA_DIR)]
        if settings.REDIS_URL:
            events = Place(place.family, place.ip, settings.LIVE_PORT)
            lines.append(said("  live:  {}", f"{events.url}sse"))
        if not has_operator():
            lines.append(said("  admin: no account yet; make one with `make admin`"))
        lines.append(said("  stop:  Ctrl-C, or `make down` in another terminal"))
        self.say("\n".join(lines))

    def say(self, text: str) -> None:
        if settings.LOG_FORMAT == "json":
            logger.info(text)
            return
        with suppress(OSError):  # a full disk or a closed pipe: what is said here stops nothing
            self.stdout.write(text)
            self.stdout.flush()


def has_operator() -> bool:
    """Whether there is an account for the admin; also while the database cannot be asked."""
    try:
        return bool(get_user_model().objects.filter(is_superuser=True).exists())
    except DatabaseError:
        return True
    finally:
        connection.close()


def locked_data_dir() -> Any:
    try:
        return data_dir_lock.take(settings.DATA_DIR)
    except data_dir_lock.LockHeld as held:
        raise CommandError(
            said("Charon already runs on {} (pid {}).", settings.DATA_DIR, held.pid or said("unknown"))
        ) from None
    except OSError as error:
        why = said(str(error.strerror))
        raise CommandError(said("DATA_DIR {} cannot be used: {}.", settings.DATA_DIR, why)) from None


def compile_beside() -> None:
    """The rules of a first start, for 5 s of the second core: the first pass finds them compiled."""
    with suppress(OSError):  # the folder is there, or nobody can keep anything and each process compiles for itself
        engine_tasks.machine_code().mkdir(parents=True)
        forked.begin(engine_tasks.load_rules)


def prepare_apart() -> None:
    """The migrations leave 35 MB in the process that runs them, and a supervisor runs for months."""
    preparing = forked.begin(prepare)
    preparing.join()
    if preparing.exitcode == 1:
        sys.exit(1)  # it has said why
    if preparing.exitcode:
        raise CommandError(said("The database could not be prepared: {}", f"exit code {preparing.exitcode}"))


def prepare() -> None:
    """Migrate, write sources and schedules, and enqueue a first task that fetches what is missing."""
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        raise CommandError(said("The database cannot be reached: {}", runs.scrub(str(error)))) from None
    call_command("prepare", start=True)
    connection.close()


def children(place: Place) -> list[Child]:
    queues = dict.fromkeys([settings.MINER_QUEUE, settings.BRAIN_QUEUE])
    events = [live(Place(place.family, place.ip, settings.LIVE_PORT))] if settings.REDIS_URL else []
    return [web(place), *(cluster(queue) for queue in queues), *events, pulse()]


def web(place: Place) -> Child:
    """granian with a worker for each core, which it replaces by itself; of granian the supervisor decides."""
    options = ["--host", place.ip, "--port", str(place.port), "--kill-timeout", "2"]
    # Charon is importable from any folder; the working directory stays, since the settings may hold relative paths.
    python_path = os.pathsep.join(filter(None, [str(settings.BASE_DIR), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "charon.serving", *options]
    watch = Watch("web", Answer(lambda: answers(place.callable_ip, place.port, FILE) and worker_beat.all_beat()))
    return Child("web", command, {"PYTHONPATH": python_path, "DB_POOL": "1"}, watch)


def cluster(queue: str) -> Child:
    name = f"cluster {queue}"
    env = {"Q_CLUSTER_NAME": queue, "DB_POOL": "0"}
    return Child(name, manage("qcluster"), env, Watch(name, Heartbeat(queue)))


def live(place: Place) -> Child:
    """Only where there is Redis: there is nothing to hear otherwise, and it weighs 84 MB (PSS)."""
    return Child(
        "live", manage("live"), watch=Watch("live", Answer(lambda: answers(place.callable_ip, place.port, "/health")))
    )


def pulse() -> Child:
    """The process of the polls under a minute; with Redis it also enqueues the engine for data of another machine.

    Where there is neither, it does not run; it begins as soon as an operator chooses a faster poll.
    """
    # One that never beats cannot write its file, which is no reason to end it.
    watch = Watch("pulse", Answer(Beats("pulse"), start_limit=float("inf")))
    return Child("pulse", manage("pulse"), watch=watch, wanted=polls.is_needed)


def manage(command: str) -> list[str]:
    return [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), command]


def record_interrupted_work() -> None:
    """Record the running jobs as stopped, and take back the deliveries of their tasks."""
    try:
        job_leases.stop()
        task_broker.discount_interrupted([settings.MINER_QUEUE, settings.BRAIN_QUEUE])
    except DatabaseError:
        return  # the leases of the jobs expire
