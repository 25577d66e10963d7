#!/bin/sh
# One image, several commands. Whoever needs the tables waits until they are as the code has them (manage.py prepare does
# that under a lock, so that one container does the work and the others wait), and then becomes the process itself: the
# signals that end a container reach it.
set -eu

prepare() {
    DB_POOL=0 python manage.py prepare "$@"
}

case "${1:-web}" in
web)
    prepare
    # Only here are there threads to share the connections; a task cluster forks, and a pool does not survive that.
    export DB_POOL="${DB_POOL:-1}"
    exec python -m granian --interface wsgi --host "$HOST" --port "$PORT" --workers 1 \
        --blocking-threads "$(nproc)" --workers-kill-timeout 10 --log-level warning charon.wsgi:application
    ;;
live)
    exec python manage.py live
    ;;
miner)
    prepare --start
    export Q_CLUSTER_NAME=miner DB_POOL=0
    exec python manage.py qcluster
    ;;
brain)
    prepare
    export Q_CLUSTER_NAME=brain DB_POOL=0
    exec python manage.py qcluster
    ;;
pulse)
    prepare
    export DB_POOL=0
    exec python manage.py pulse
    ;;
*)
    exec "$@"
    ;;
esac
