# The images of Charon: one target for each process (docker build --target miner .), all of the same layers. They differ in
# their command and their health check. Without a target it is web.

FROM python:3.12-slim AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /build
COPY requirements.txt requirements-channels.txt requirements-sentry.txt ./
# Wheels alone: no compiler here, and none in the image. Each has a hash of the lock.
RUN pip wheel --no-cache-dir --only-binary=:all: --require-hashes --wheel-dir /wheels \
        --requirement requirements.txt --requirement requirements-channels.txt --requirement requirements-sentry.txt
RUN python -m venv --without-pip /venv \
    && pip --python /venv/bin/python install --no-cache-dir --no-index --find-links /wheels --require-hashes \
        --requirement requirements.txt --requirement requirements-channels.txt --requirement requirements-sentry.txt
WORKDIR /app
COPY . ./
RUN mkdir staticfiles \
    && ENV_FILE=/dev/null DATA_DIR=/tmp SECRET_KEY=collects-files-and-signs-nothing \
        /venv/bin/python manage.py collectstatic --no-input --verbosity 0 \
    && /venv/bin/python -m babel.messages.frontend -q compile -d locale -D django \
    && /venv/bin/python -m compileall -q charon markets miner signals \
    && chmod -R a+rX .

FROM python:3.12-slim AS charon
RUN groupadd --gid 10001 charon \
    && useradd --uid 10001 --gid charon --no-create-home --home-dir /data --shell /usr/sbin/nologin charon \
    && install --directory --owner charon --group charon --mode 0700 /data \
    && install --directory --owner charon --group charon /var/lib/charon-history
COPY --from=builder /venv /venv
COPY --from=builder /app /app
# What the settings read comes from the environment alone; what numba compiles goes where a read-only container may write.
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ENV_FILE=/dev/null \
    DATA_DIR=/data \
    HOST=0.0.0.0 \
    PORT=8000 \
    WORKER_METRICS_PORT=8001 \
    LIVE_PORT=8002 \
    MARKET_DATA_PORT=8895 \
    NUMBA_CACHE_DIR=/tmp/numba
WORKDIR /app
USER 10001:10001
ENTRYPOINT ["docker/entrypoint.sh"]

FROM charon AS live
EXPOSE 8002
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-m", "charon.processes.container_healthcheck", "http://127.0.0.1:8002/health"]
CMD ["live"]

FROM charon AS miner
EXPOSE 8001
HEALTHCHECK --interval=60s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-m", "charon.processes.container_healthcheck", "queue", "miner"]
CMD ["miner"]

FROM charon AS brain
HEALTHCHECK --interval=60s --timeout=10s --start-period=60s --retries=3 \
    CMD ["python", "-m", "charon.processes.container_healthcheck", "queue", "brain"]
CMD ["brain"]

FROM charon AS pulse
EXPOSE 8895
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-m", "charon.processes.container_healthcheck", "http://127.0.0.1:8895/health"]
CMD ["pulse"]

# Pages, API and admin; S0-57 calls them api and frontend.
FROM charon AS web
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-m", "charon.processes.container_healthcheck", "http://127.0.0.1:8000/health"]
CMD ["web"]
