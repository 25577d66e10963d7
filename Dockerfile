# One image for every process of Charon: web (the default), live, miner, brain and pulse (docker/entrypoint.sh).

FROM python:3.12-slim AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /build
COPY requirements.txt requirements-channels.txt ./
# Wheels alone: no compiler here, and none in the image.
RUN pip wheel --no-cache-dir --only-binary=:all: --wheel-dir /wheels \
        --requirement requirements.txt --requirement requirements-channels.txt
RUN python -m venv --without-pip /venv \
    && pip --python /venv/bin/python install --no-cache-dir --no-index --find-links /wheels \
        --requirement requirements.txt --requirement requirements-channels.txt
WORKDIR /app
COPY . ./
RUN mkdir staticfiles \
    && ENV_FILE=/dev/null DATA_DIR=/tmp SECRET_KEY=collects-files-and-signs-nothing \
        /venv/bin/python manage.py collectstatic --no-input --verbosity 0 \
    && /venv/bin/python -m babel.messages.frontend -q compile -d locale -D django \
    && /venv/bin/python -m compileall -q charon markets miner signals \
    && chmod -R a+rX .

FROM python:3.12-slim
RUN groupadd --gid 10001 charon \
    && useradd --uid 10001 --gid charon --no-create-home --home-dir /data --shell /usr/sbin/nologin charon \
    && install --directory --owner charon --group charon --mode 0700 /data
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
    NUMBA_CACHE_DIR=/tmp/numba
WORKDIR /app
USER 10001:10001
EXPOSE 8000 8001 8002
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-m", "charon.processes.container_healthcheck", "http://127.0.0.1:8000/health"]
ENTRYPOINT ["docker/entrypoint.sh"]
CMD ["web"]
