# syntax=docker/dockerfile:1.7
# One image for every program of Clearway: `clearway api`, `dashboard`, `worker`, `simulator`, `migrate`, `seed`.

FROM python:3.11.14-slim-bookworm AS build
ARG UV_VERSION=0.13.8
RUN pip install --no-cache-dir --disable-pip-version-check uv==${UV_VERSION}
ENV UV_PROJECT_ENVIRONMENT=/opt/clearway \
    UV_PYTHON_DOWNLOADS=never \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_CACHE_DIR=/var/cache/uv
WORKDIR /src

# The dependencies first: they change seldom, and this layer is kept until they do.
COPY pyproject.toml uv.lock README.md ./
RUN --mount=type=cache,target=/var/cache/uv uv sync --locked --no-dev --no-install-project

COPY alembic.ini worker.py hatch_build.py ./
COPY web/dashboard ./web/dashboard
COPY clearway ./clearway
COPY activities ./activities
COPY workflows ./workflows
COPY api ./api
COPY migrations ./migrations
COPY web/checkout ./web/checkout
# It builds the dashboard too, with Node as a wheel.
RUN --mount=type=cache,target=/var/cache/uv uv sync --locked --no-dev --no-editable

FROM python:3.11.14-slim-bookworm
LABEL org.opencontainers.image.title="Clearway" \
      org.opencontainers.image.description="A self-hosted payment orchestrator on Temporal"
RUN groupadd --gid 10001 clearway \
    && useradd --uid 10001 --gid clearway --home-dir /var/lib/clearway --create-home --shell /usr/sbin/nologin clearway
COPY --from=build /opt/clearway /opt/clearway
ENV PATH=/opt/clearway/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CLEARWAY_ENV=production \
    API_HOST=0.0.0.0 \
    DASHBOARD_HOST=0.0.0.0 \
    CHECKOUT_HOST=0.0.0.0 \
    METRICS_HOST=0.0.0.0 \
    SIMULATOR_HOST=0.0.0.0
# Whatever runs here keeps nothing here but the simulator's journal.
WORKDIR /var/lib/clearway
USER 10001:10001
EXPOSE 8000 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=6 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('API_PORT', '8000')}/health\", timeout=4)"]
ENTRYPOINT ["clearway"]
CMD ["api"]
