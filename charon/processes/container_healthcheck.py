"""The health check of a container, without Django, since it runs every few seconds.

python -m charon.processes.container_healthcheck http://127.0.0.1:8000/health: the URL returns status 200
python -m charon.processes.container_healthcheck queue miner: no task of this queue has waited longer than 600 s
"""

import os
import sys
import urllib.request
from http.client import HTTPException

import psycopg
from psycopg.conninfo import make_conninfo

# A cluster can hang with all its processes alive. A cluster that works lets no task wait that long.
WAITING_SECONDS = 600


def is_healthy(url: str) -> bool:
    """Whether the URL returns 200. Bypasses the proxies of the environment, which lead out of the container."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=4) as answer:
            return bool(answer.status == 200)
    except (OSError, HTTPException):
        return False


def queue_moves(name: str) -> bool:
    """Whether every due task was taken in time (`lock` holds the time since which it is due)."""
    late = "SELECT EXISTS (SELECT FROM django_q_ormq WHERE key = %s AND lock < now() - make_interval(secs => %s))"
    try:
        with psycopg.connect(database(), connect_timeout=3) as connection:
            row = connection.execute(late, [name, WAITING_SECONDS]).fetchone()
    except psycopg.Error:
        return False
    return row == (False,)


def database() -> str:
    """The connection string of the database, from the same variables as in `charon.settings`."""
    if url := os.environ.get("DATABASE_URL"):
        return url
    names = {"host": "DB_HOST", "port": "DB_PORT", "user": "DB_USER", "password": "DB_PASSWORD", "dbname": "DB_NAME"}
    defaults = {"port": "5432", "user": "charon", "dbname": "charon"}
    return make_conninfo(**{key: os.environ.get(name) or defaults.get(key, "") for key, name in names.items()})


def main(arguments: list[str]) -> int:
    match arguments:
        case ["queue", name]:
            return int(not queue_moves(name))
        case [url]:
            return int(not is_healthy(url))
    sys.stderr.write(__doc__ or "")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
