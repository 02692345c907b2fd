"""The command `churn`, as a user runs it: another process, an empty folder."""

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from churn_platform.settings import load_settings
from churn_platform_tests.support.data_folders import fill_data_folder

IBM_TELCO = Path(__file__).parents[2] / "../shared/data/ibm_telco.csv"
REFERENCE_AUC = 0.849
ALGORITHMS = ("logistic_regression", "random_forest", "lightgbm", "xgboost")


def churn(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command's outcome in a folder with nothing but Dagster's own settings."""
    command = [sys.executable, "-m", "churn_platform.cli", *arguments]
    environment = os.environ | {
        "DAGSTER_HOME": str(folder),
        "COLUMNS": "200",
        "CHURN_TUNING_TRIALS": "0",
        "CHURN_BOOTSTRAP_REPLICATES": "1000",
    }
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def write_customers(path: Path) -> None:
    """A table that nobody has described: a BOM, odd headers, T/F labels, blanks, a note per
    customer, a leak.
    """
    generator = np.random.default_rng(5)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(
            [
                "Cust  ID",
                "Tenure Months",
                "monthlyPrice",
                "Plan",
                "Comment",
                "Churned?",
                "Churn Date",
            ]
        )
        for number in range(2_000):
            tenure, price = int(generator.integers(0, 72)), generator.normal(60, 20)
            churned = generator.normal(-1 - 0.05 * tenure + 0.02 * price) > 0
            shown = "" if generator.random() < 0.05 else f"{price:.2f}"
            plan = generator.choice(["Basic", "Pro", "Max"])
            left = "2025-03-01" if churned else ""
            rows.writerow(
                [
                    f"A{number:04d}",
                    tenure,
                    shown,
                    plan,
                    f"note {number}",
                    "T" if churned else "F",
                    left,
                ]
            )


def choose_candidates(spec: Path, *names: str) -> None:
    """Name the candidates in a spec, as its owner may: two are quicker than all."""
    described = yaml.safe_load(spec.read_text())
    spec.write_text(yaml.safe_dump(described | {"candidates": list(names)}, sort_keys=False))


def test_a_table_of_ones_own_runs_through_the_graph(tmp_path: Path) -> None:
    """Onboard, then run: no Python is written, the leak and the ids stay out,
    and scores come out.
    """
    write_customers(tmp_path / "customers.csv")
    made = churn(
        tmp_path,
        "onboard",
        "customers.csv",
        "--name",
        "acme",
        "--id",
        "Cust ID",
        "--label",
        "Churned?",
    )
    assert made.returncode == 0, made.stderr
    assert "2,000 customers" in made.stdout
    assert "'Churn Date' left out: suspected leak" in made.stdout
    assert "'Comment' left out: suspected id" in made.stdout
    choose_candidates(tmp_path / "portfolios" / "acme.yaml", "logistic_regression", "lightgbm")
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    fill_data_folder(load_settings(data_dir=tmp_path / "data"))
    ran = churn(tmp_path, "run", "acme", "--file", "customers.csv", "--to", "2025-06")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "scored at the end of 2025-06" in ran.stdout
    assert len(re.findall(r"^  A\d{4} +[\d.]+%", ran.stdout, re.MULTILINE)) == 10
    assert (tmp_path / "data" / "published" / "acme" / "live.json").exists()


@pytest.mark.skipif(not IBM_TELCO.exists(), reason="the IBM Telco file is not beside this checkout")
def test_the_ibm_file_stands_beside_its_reference(tmp_path: Path) -> None:
    """The whole graph runs on the public file, and the best candidate reaches the reference AUC
    over 5 folds.
    """
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    ran = churn(tmp_path, "demo-telco", "--csv", str(IBM_TELCO.resolve()))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    line = (
        rf"^  ({'|'.join(ALGORITHMS)}) +(0\.\d{{4}}) \+- 0\.\d{{4}} +(0\.\d{{4}}) to (0\.\d{{4}})$"
    )
    folds = {
        name: [float(auc) for auc in aucs]
        for name, *aucs in re.findall(line, ran.stdout, re.MULTILINE)
    }
    assert set(folds) == set(ALGORITHMS)
    assert all(low < mean < high for mean, low, high in folds.values())
    assert max(mean for mean, _, _ in folds.values()) >= REFERENCE_AUC
    assert "7,043 customers scored" in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nobody"], "no portfolio 'nobody'; there are telecomit, ibm_telco"),
        (["run", "telecomit"], "no month has landed in .*landing/telecomit/customers"),
        (["simulate", "--first-month", "2025-13"], "'2025-13' is not a month"),
        (["run", "ibm_telco", "--file", "absent.csv"], "absent.csv: no such file"),
        (["result", "telecomit"], "no warehouse at"),
        (["simulate", "--customers", "0"], "--customers 0: .*greater than or equal to 1"),
        (["simulate", "--scenario", "flood"], "--scenario flood: "),
        (["onboard", "absent.csv", "--name", "x", "--id", "a", "--label", "b"], "absent.csv"),
    ],
)
def test_bad_input_ends_in_one_clear_line(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    """The line names the thing, the value and what to do; the exit code is 1, and there is no
    traceback.
    """
    done = churn(tmp_path, *arguments)
    assert done.returncode == 1
    assert re.search(message, done.stderr.replace("\n", " "))
    assert "Traceback" not in done.stderr


def test_an_unknown_setting_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A typing error in a CHURN_ variable is named instead of ignored."""
    monkeypatch.setenv("CHURN_DATADIR", "x")
    done = churn(tmp_path, "result", "telecomit")
    assert done.returncode == 1
    assert "unknown setting CHURN_DATADIR" in done.stderr
