"""What the source must not import, read or call."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from churn_platform_tests.support.invariants import invariant

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "churn_platform"
MODULES = {
    path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text())
    for path in PACKAGE.rglob("*.py")
}

EDGE = {
    "__init__.py",  # how threads wait, before a library reads it
    "settings.py",
    "home.py",
    "cli/ui_commands.py",
    "graph/runs.py",
    "graph/dbt_profile.py",
    "graph/resources/tracking.py",
    "sources/credentials.py",  # the spec names the variables
}
CLOCK = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
}
DATING = {
    # a record is dated when it is written, which nobody can say beforehand
    "graph/resources/audit_trail.py",
    "graph/step_usage.py",
    "graph/schedules.py",  # how long ago a file was written to
    "graph/sensors/outage_sensor.py",  # how long ago a run failed
    "graph/sensors/experiment_sensor.py",  # the record of what it ends
    "graph/assets/source_assets.py",  # when a month was read
    "campaign/risk_webhook.py",  # a signature, at each try
}
HEAVY = {"mlflow", "xgboost", "lightgbm", "evidently", "shap", "sklearn"}


BESIDE = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text())
    for path in (ROOT / "serving").rglob("*.py")
}
PAGE = {name: tree for name, tree in BESIDE.items() if name.startswith("serving/page/")}
SERVICE = {name: tree for name, tree in BESIDE.items() if name not in PAGE}
# joserfc comes with authlib, which hands its key sets out.
PAGE_LIBRARIES = {
    "litestar",
    "granian",
    "jinja2",
    "duckdb",
    "msgspec",
    "authlib",
    "joserfc",
    "requests",
}
PAGE_EDGE = {"serving/page/settings.py", "serving/page/__main__.py"}
SERVICE_LIBRARIES = {
    "litestar",
    "granian",
    "onnxruntime",
    "lmdb",
    "prometheus_client",
    "numpy",
    "msgspec",
}
READ_BY_THE_SERVICE = (
    "alarms",
    "assignment",
    "calibration",
    "confidence_sequence",
    "customer_events",
    "experiment",
    "format",
    "live_file",
    "lookup_copy",
    "plain_numbers",
    "prediction_log",
    "push_outbox",
    "pushed_features",
    "reasons",
    "regular_files",
    "sentences",
    "tiers",
    "value_format",
)
# One module of the service shares a store with other hosts, and is loaded where there is one.
SHARED_BY_HOSTS = {
    f"churn_platform.{name}"
    for name in (
        "errors",
        "published.shared",
        "storage.opening",
        "storage.options",
        "storage.store",
    )
}
PUBLISHED_CONTRACT = {f"churn_platform.published.{name}" for name in READ_BY_THE_SERVICE}
READ_BY_THE_CONTRACT = {"errors", "published", "storage", "storage.atomic_file"}
"""What the service needs of the platform; whatever it is to need besides is
added here on purpose.
"""
SERVICE_EDGE = {
    "serving/settings.py",
    "serving/__main__.py",
    "serving/service_metrics.py",
    "serving/app.py",
}


def run_time(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but what only type checkers read."""
    for node in ast.iter_child_nodes(tree):
        if (
            isinstance(node, ast.If)
            and isinstance(node.test, ast.Name)
            and node.test.id == "TYPE_CHECKING"
        ):
            continue
        yield node
        yield from run_time(node)


def imported(tree: ast.AST) -> set[str]:
    """Top-level packages that a module imports, anywhere in it."""
    return {name.split(".")[0] for name in imported_modules(tree)}


def imported_modules(tree: ast.AST) -> set[str]:
    """Modules that a module imports, or imports names from, anywhere in it."""
    nodes = list(run_time(tree))
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    named = [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return {*plain, *named}


def attributes(tree: ast.AST) -> set[tuple[str, str]]:
    """(name, attribute) of every attribute read from a plain or dotted name, and of every `from x
    import y`.
    """
    found = set()
    for node in run_time(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            found.add((owner, node.attr))
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {(node.module, alias.name) for alias in node.names}
    return found


def test_every_module_is_looked_at():
    """The readers below see what they should: the package, and imports inside functions."""
    assert len(MODULES) > 50
    assert "xgboost" in imported(MODULES["training/candidates/xgboost.py"])
    assert "dagster_mlflow" not in imported(MODULES["training/fit.py"])
    assert ("os", "environ") in attributes(MODULES["settings.py"])


@invariant(
    "Structure",
    "Only settings and what starts a library or tool read or set the environment.",
)
def test_only_the_edge_touches_the_environment():
    """Everything else is told by arguments."""
    touching = {
        name
        for name, tree in MODULES.items()
        if attributes(tree)
        & {("os", "environ"), ("os", "getenv"), ("os", "putenv"), ("os", "environb")}
    }
    assert touching <= EDGE


@invariant(
    "Structure", "Only the command line reads the calendar; time is an argument everywhere else."
)
def test_only_the_command_line_asks_what_day_it_is():
    """Time is an argument: nothing below the command line reads the calendar but DATING."""
    asking = {name for name, tree in MODULES.items() if attributes(tree) & CLOCK} - DATING
    assert [name for name in asking if not name.startswith("cli/")] == []


@invariant(
    "Structure",
    "No asset reads the simulator's true probabilities; only the printed result "
    "compares with them.",
)
def test_no_asset_knows_the_truth():
    """The simulator's true probabilities are written by it and read by the report, and by nothing
    in the graph.
    """
    knowing = {
        name for name in MODULES if "truth" in (PACKAGE / name).read_text().split('"""', 2)[-1]
    }
    assert "cli/result.py" in knowing
    assert {name for name in knowing if not name.startswith(("simulator/", "cli/"))} <= {
        "settings.py",
        "cli/result.py",
    }


@invariant("Structure", "Every random draw has an explicit seed.")
def test_nothing_draws_without_a_seed():
    """No module uses a global random generator, and every generator is given a seed."""
    draws = {("numpy", "random"), ("np", "random")}
    for name, tree in MODULES.items():
        assert "random" not in imported(tree), name
        calls = [
            node
            for node in run_time(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        ]
        drawn = [call for call in calls if isinstance(call.func.value, ast.Attribute)]
        unseeded = [
            call.func.attr
            for call in drawn
            if (getattr(call.func.value.value, "id", ""), call.func.value.attr) in draws
            and not call.args
        ]
        assert unseeded == [], name


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> set[str]:
    """Top-level modules in a fresh process that has imported the definitions."""
    code = (
        "import sys, churn_platform.definitions; print(*{name.split('.')[0] for name in "
        "sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.split())


@invariant("Structure", "Importing the definitions loads neither MLflow, XGBoost nor scikit-learn.")
def test_importing_the_definitions_stays_light(loaded):
    """Dagster's processes start without the libraries that take seconds to import."""
    assert "dagster" in loaded
    assert loaded & HEAVY == set()


@invariant(
    "Structure",
    "The service imports its own libraries and the published contract, and nothing else.",
)
def test_the_service_imports_its_own_libraries_only():
    """Beside the standard library and its own extra, the service knows the published contract and
    nothing else.
    """
    for name, tree in SERVICE.items():
        strange = (
            imported(tree)
            - SERVICE_LIBRARIES
            - set(sys.stdlib_module_names)
            - {"serving", "churn_platform"}
        )
        assert strange == set(), name
        platform = {
            module for module in imported_modules(tree) if module.startswith("churn_platform")
        }
        assert platform <= PUBLISHED_CONTRACT | SHARED_BY_HOSTS, name


@invariant("Structure", "In the service only the routes and the application know Litestar.")
def test_only_the_routes_of_the_service_know_the_web_framework():
    """What is answered is decided without HTTP."""
    knowing = {name for name, tree in SERVICE.items() if {"litestar", "granian"} & imported(tree)}
    assert {name for name in knowing if not name.startswith("serving/http/")} == {
        "serving/app.py",
        "serving/__main__.py",
    }


def test_only_the_edge_of_the_service_touches_the_environment():
    """The service reads its settings once; Prometheus' own variable is set and looked at."""
    touching = {
        name
        for name, tree in SERVICE.items()
        if attributes(tree) & {("os", "environ"), ("os", "getenv")}
    }
    assert touching <= SERVICE_EDGE


def test_the_service_loads_no_part_of_the_platform_that_writes():
    """Nor does anything that it imports: publication and rollback stay out of the process that
    answers.
    """
    platform = {name for name in modules_of_the_service() if name.startswith("churn_platform.")}
    below = {f"churn_platform.{name}" for name in READ_BY_THE_CONTRACT}
    assert platform == PUBLISHED_CONTRACT | below


def modules_of_the_service() -> set[str]:
    """Modules in a fresh process that has imported the service."""
    code = "import sys, serving.app, serving.__main__; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.split())


@invariant(
    "Structure", "The service's process holds no pandas, model library, tracking or orchestrator."
)
def test_the_service_loads_nothing_heavy():
    """The process that answers holds no pandas, model library, tracking or orchestrator."""
    loaded = {name.split(".")[0] for name in modules_of_the_service()}
    assert {"litestar", "onnxruntime"} <= loaded
    heavy = {
        "pandas",
        "pyarrow",
        "scipy",
        "duckdb",
        "dagster",
        "pydantic_settings",
        "matplotlib",
        "statsmodels",
    }
    assert loaded & (HEAVY | heavy) == set()


@invariant("Structure", "The scoring service loads nothing of the page.")
def test_the_service_knows_nothing_of_the_page():
    """Neither by an import that is written there nor by one that follows from it."""
    importing = {
        name
        for name, tree in SERVICE.items()
        if any(module.startswith("serving.page") for module in imported_modules(tree))
    }
    assert importing == set()
    loaded = modules_of_the_service()
    assert {
        name for name in loaded if name.startswith(("serving.page", "jinja2", "duckdb"))
    } == set()


@invariant("Structure", "The page opens neither lake nor MLflow.")
def test_the_page_imports_its_own_libraries_only():
    """It knows the published contract and the service's own modules, and no other of the
    platform.
    """
    for name, tree in PAGE.items():
        known = PAGE_LIBRARIES | set(sys.stdlib_module_names) | {"serving", "churn_platform"}
        assert imported(tree) <= known, name
        for module in imported_modules(tree):
            if module.startswith("churn_platform"):
                assert module.startswith("churn_platform.published"), name


def test_only_the_edge_of_the_page_touches_the_environment():
    """Its settings are read once."""
    touching = {
        name
        for name, tree in PAGE.items()
        if attributes(tree) & {("os", "environ"), ("os", "getenv")}
    }
    assert touching <= PAGE_EDGE
