"""Is the service of this container well? It starts no Django, because it is asked every few seconds.

python -m charon.processes.container_healthcheck http://127.0.0.1:8000/health: somebody answers there, and with 200
python -m charon.processes.container_healthcheck queue miner: no task of this queue has been waiting for long
"""

import os
import sys
import urllib.request
from http.client import HTTPException

import psycopg
from psycopg.conninfo import make_conninfo

# A cluster can be wedged with all its processes alive. Longer than any task waits while one takes them.
WAITING_SECONDS = 600


def answers(url: str) -> bool:
    """Asked directly: a proxy of the environment leads out of the container."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=4) as answer:
            return bool(answer.status == 200)
    except (OSError, HTTPException):
        return False


def queue_moves(name: str) -> bool:
    """Whether every task that is due was taken in time (`lock` says since when it is due)."""
    late = "SELECT EXISTS (SELECT FROM django_q_ormq WHERE key = %s AND lock < now() - make_interval(secs => %s))"
    try:
        with psycopg.connect(database(), connect_timeout=3) as connection:
            row = connection.execute(late, [name, WAITING_SECONDS]).fetchone()
    except psycopg.Error:
        return False
    return row == (False,)


def database() -> str:
    """As the settings find it."""
    if url := os.environ.get("DATABASE_URL"):
        return url
    names = {"host": "DB_HOST", "port": "DB_PORT", "user": "DB_USER", "password": "DB_PASSWORD", "dbname": "DB_NAME"}
    defaults = {"port": "5432", "user": "charon", "dbname": "charon"}
    return make_conninfo(**{word: os.environ.get(name) or defaults.get(word, "") for word, name in names.items()})


def main(words: list[str]) -> int:
    match words:
        case ["queue", name]:
            return int(not queue_moves(name))
        case [url]:
            return int(not answers(url))
    sys.stderr.write(__doc__ or "")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
