#!/bin/sh
# The entry point of the image: one command per process. A process that needs the database first waits for the migrations
# (manage.py prepare runs them under a lock: one container works, the others wait). exec then replaces this shell, so that
# the signals that stop a container reach the process.
set -eu

prepare() {
    DB_POOL=0 python manage.py prepare "$@"
}

case "${1:-web}" in
web)
    prepare
    # Only web has threads that share connections; a task cluster forks, and a pool does not survive a fork.
    export DB_POOL="${DB_POOL:-1}"
    exec python -m charon.serving
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
