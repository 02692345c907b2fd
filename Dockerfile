# Three images: docker build --target serving -t churn-serving . and likewise page and platform.
# Without a Docker engine, `make image-check` runs the same instructions in a folder.

FROM python:3.11-slim-bookworm AS build
RUN python -m pip install --no-cache-dir --disable-pip-version-check "uv>=0.9"
ENV VIRTUAL_ENV=/venv UV_LINK_MODE=copy UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1
RUN uv venv --no-project /venv
WORKDIR /app

FROM build AS build-serving
COPY requirements-serving.lock ./
RUN uv pip sync --require-hashes requirements-serving.lock
COPY pyproject.toml README.md LICENSE ./
COPY churn_platform ./churn_platform
COPY serving ./serving
COPY dbt_models ./dbt_models
RUN uv pip install --no-deps --editable .

FROM build AS build-page
COPY requirements-ui.lock ./
RUN uv pip sync --require-hashes requirements-ui.lock
COPY pyproject.toml README.md LICENSE ./
COPY churn_platform ./churn_platform
COPY serving ./serving
COPY dbt_models ./dbt_models
RUN uv pip install --no-deps --editable .

FROM build AS build-platform
COPY requirements.lock ./
RUN uv pip sync --require-hashes requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY churn_platform ./churn_platform
COPY serving ./serving
COPY dbt_models ./dbt_models
RUN uv pip install --no-deps --editable .

FROM python:3.11-slim-bookworm AS runtime
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 DO_NOT_TRACK=true
RUN useradd --uid 10001 --create-home churn && install -d -o churn -g churn /app/data
WORKDIR /app

# The HTTP service. Mount published bundles at /app/data/published (read-only will do) and keep /app/data/serving.
# It listens beyond loopback, so it wants an API key first: docs/serving.md.
FROM runtime AS serving
COPY --from=build-serving /venv /venv
COPY churn_platform ./churn_platform
COPY serving ./serving
ENV SERVING_HOST=0.0.0.0 SERVING_PORT=8080
USER churn
EXPOSE 8080
VOLUME /app/data
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/health/live', timeout=2)"]
CMD ["python", "-m", "serving"]

# The web page. Mount published bundles at /app/data/published and keep /app/data/page. It listens beyond loopback, so a
# proxy with TLS belongs before it. Decisions on versions and lists need the platform's command: docs/page.md.
FROM runtime AS page
COPY --from=build-page /venv /venv
COPY churn_platform ./churn_platform
COPY serving ./serving
ENV PAGE_HOST=0.0.0.0 PAGE_PORT=8090 PAGE_SECURE_COOKIE=true
USER churn
EXPOSE 8090
VOLUME /app/data
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8090/health', timeout=2)"]
CMD ["python", "-m", "serving.page"]

# The Dagster graph: web UI by default; `dagster-daemon run -w workspace.yaml` and `churn ...` run from the same image.
# The UI has no sign-in and can start runs, so it listens on loopback: docs/automation.md says how to open it.
FROM runtime AS platform
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
COPY --from=build-platform /venv /venv
COPY pyproject.toml README.md LICENSE dagster.yaml workspace.yaml ./
COPY churn_platform ./churn_platform
COPY serving ./serving
COPY dbt_models ./dbt_models
ARG CODE_VERSION=""
ENV CHURN_CODE_VERSION=$CODE_VERSION DAGSTER_HOME=/app MLFLOW_DISABLE_TELEMETRY=true
USER churn
EXPOSE 3000
VOLUME /app/data
CMD ["dagster-webserver", "-h", "127.0.0.1", "-p", "3000", "-w", "workspace.yaml"]
