# syntax=docker/dockerfile:1
# Three images:  docker build --target serving|ui|platform -t churn-serving|churn-ui|churn-platform .
# `make image-check` builds and runs them; docs/delivery.md says how, also without a Docker engine.

# A release pins the digest: --build-arg BASE=docker.io/library/python:3.11-slim-bookworm@sha256:...
ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS build
RUN python -m pip install --no-cache-dir --disable-pip-version-check "uv>=0.9"
# Certificates of the system: an index of your own may have one of your own authority.
ENV VIRTUAL_ENV=/venv UV_LINK_MODE=copy UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never UV_SYSTEM_CERTS=1 PATH=/venv/bin:$PATH
RUN uv venv --no-project /venv
WORKDIR /app

# What a process imports is compiled by importing it; the rest would double the size for nothing.
FROM build AS build-serving
RUN apt-get update && apt-get install --yes --no-install-recommends binutils && rm -rf /var/lib/apt/lists/*
COPY requirements-serving.lock ./
RUN uv pip sync --require-hashes requirements-serving.lock
COPY pyproject.toml README.md LICENSE ./
COPY churn_platform ./churn_platform
COPY serving ./serving
COPY dbt_models ./dbt_models
RUN uv pip install --no-deps --editable . && rm -rf dbt_models
# The documents need one bundle of Swagger's, not its editor and maps. ONNX Runtime's library for C stands beside a
# Python module that has all of it inside; its tools convert models, which is done elsewhere. The last four packages are
# delivered with 16 MB that only a debugger reads. What is left is imported, which compiles it and shows that it loads.
RUN find /venv/lib -path '*/swagger_ui/static/*' \( -name '*.map' -o -name '*editor*' -o -name '*es-bundle*' \) -delete && \
    find /venv/lib -path '*/numpy/*' -type d -name tests -prune -exec rm -rf {} + && \
    find /venv/lib -path '*/onnxruntime/capi/libonnxruntime.so.*' -delete && \
    find /venv/lib -path '*/onnxruntime/*' -type d \( -name transformers -o -name quantization -o -name tools \) \
        -prune -exec rm -rf {} + && \
    find /venv/lib -regex '.*/\(uvloop\|yaml\|lmdb\|multidict\)/.*[.]so' -exec strip --strip-debug {} + && \
    python -c "import serving.__main__, serving.app, churn_platform.smoke, churn_platform.storage.object_store"

FROM build AS build-ui
COPY requirements-ui.lock ./
RUN uv pip sync --require-hashes requirements-ui.lock
COPY pyproject.toml README.md LICENSE ./
COPY churn_platform ./churn_platform
COPY serving ./serving
COPY dbt_models ./dbt_models
RUN uv pip install --no-deps --editable . && rm -rf dbt_models && \
    python -c "import serving.page.__main__, serving.page.app"

FROM build AS build-platform
# LightGBM is compiled by importing it, and loads this.
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*
COPY requirements-platform.lock ./
RUN uv pip sync --require-hashes requirements-platform.lock
COPY pyproject.toml README.md LICENSE dagster.yaml workspace.yaml ./
COPY churn_platform ./churn_platform
COPY serving ./serving
COPY dbt_models ./dbt_models
RUN uv pip install --no-deps --editable . && \
    python -c "import churn_platform.definitions, churn_platform.cli, dagster_webserver, dagster_postgres, dagster_k8s, mlflow.server, xgboost, lightgbm, serving.page.app"

FROM ${BASE} AS runtime
# The first process of a container must pass signals on and reap what its children leave.
RUN apt-get update && apt-get install --yes --no-install-recommends tini && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DO_NOT_TRACK=true
RUN useradd --uid 10001 --create-home churn && install -d -o churn -g churn /app/data
WORKDIR /app
ENTRYPOINT ["tini", "--"]
ARG REVISION=""
LABEL org.opencontainers.image.vendor="churn-platform" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="$REVISION"

# The HTTP service. Mount published bundles at /app/data/published (read-only will do) and keep /app/data/serving.
# It listens beyond loopback, so it wants an API key first: docs/serving.md.
FROM runtime AS serving
LABEL org.opencontainers.image.title="churn-serving" \
      org.opencontainers.image.description="Answers with churn scores from published bundles."
COPY --from=build-serving /venv /venv
COPY --from=build-serving /app /app
ENV SERVING_HOST=0.0.0.0 SERVING_PORT=8080
USER 10001
EXPOSE 8080
VOLUME /app/data
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen(f\"http://127.0.0.1:{os.environ['SERVING_PORT']}/health/live\", timeout=2)"]
CMD ["python", "-m", "serving"]

# The page alone. A decision on a version is carried out by `churn approve`, which the platform's image has: where
# people decide on the page, start it from that image (docs/delivery.md).
FROM runtime AS ui
LABEL org.opencontainers.image.title="churn-ui" \
      org.opencontainers.image.description="The page for agents, campaign and model owners."
COPY --from=build-ui /venv /venv
COPY --from=build-ui /app /app
ENV PAGE_HOST=0.0.0.0 PAGE_PORT=8090 PAGE_SECURE_COOKIE=true
USER 10001
EXPOSE 8090
VOLUME /app/data
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen(f\"http://127.0.0.1:{os.environ['PAGE_PORT']}/health\", timeout=2)"]
CMD ["churn-ui"]

# The Dagster graph: web UI by default; `dagster-daemon run -w workspace.yaml` and `churn ...` run from the same image.
# The UI has no sign-in and can start runs, so it listens on loopback: docs/automation.md says how to open it.
FROM runtime AS platform
LABEL org.opencontainers.image.title="churn-platform" \
      org.opencontainers.image.description="Monthly churn scores from raw telecom tables."
RUN apt-get update && apt-get install --yes --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY --from=build-platform /venv /venv
COPY --from=build-platform /app /app
ARG CODE_VERSION=""
ENV CHURN_CODE_VERSION=$CODE_VERSION DAGSTER_HOME=/app MLFLOW_DISABLE_TELEMETRY=true
USER 10001
EXPOSE 3000
VOLUME /app/data
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:3000/server_info', timeout=4)"]
CMD ["dagster-webserver", "-h", "127.0.0.1", "-p", "3000", "-w", "workspace.yaml"]
