"""Writes Grafana's dashboards, or says which of those here is not what this script makes.

python make_dashboards.py [--check], with the package grafana-foundation-sdk (`make
monitoring-check` installs it apart from the platform).
"""

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from grafana_foundation_sdk.builders.common import ReduceDataOptions, VizLegendOptions
from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.timeseries import Panel as Timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement
from grafana_foundation_sdk.models.dashboard import DataSourceRef

FOLDER = Path(__file__).parent / "dashboards"
SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")
HEIGHT, HALF, THIRD = 8, 12, 8
SECONDS, SHARE, EUROS, BYTES, COUNT = "s", "percentunit", "currencyEUR", "bytes", "short"
AGE = "time() - "


@dataclass(frozen=True)
class Graph:
    """A panel of one expression over time, or of its value now."""

    title: str
    expression: str
    legend: str
    unit: str
    about: str
    is_now: bool = False


DASHBOARDS = {
    "serving": (
        "Churn: serving",
        [
            Graph(
                "Predictions a second",
                "sum by (portfolio, arm) (rate(predictions_total[5m]))",
                "{{portfolio}} {{arm}}",
                "reqps",
                "Answers of each arm; a row of a batch counts as one.",
            ),
            Graph(
                "Latency, slowest hundredth",
                "churn:prediction_latency_seconds:p99_5m",
                "{{portfolio}}",
                SECONDS,
                "From the whole request to the answer; 200 ms is what applications count on.",
            ),
            Graph(
                "Errors by status",
                "sum by (status) (rate(request_errors_total[5m]))",
                "{{status}}",
                "reqps",
                "4xx are the caller's, 5xx the service's own.",
            ),
            Graph(
                "Share of the service's own errors",
                "churn:errors:ratio_5m",
                "5 minutes",
                SHARE,
                "The objective is 0.1 % over 30 days.",
            ),
            Graph(
                "States taken live",
                "sum by (portfolio) (increase(model_reloads_total[1h]))",
                "{{portfolio}}",
                COUNT,
                "A new model or month.",
            ),
            Graph(
                "States refused",
                "sum by (portfolio) (increase(bundles_refused_total[1h]))",
                "{{portfolio}}",
                COUNT,
                "What was live before serves on.",
            ),
            Graph(
                "Log waits for ingestion",
                "prediction_log_lag_seconds",
                "{{portfolio}}",
                SECONDS,
                "Age of the oldest closed segment.",
            ),
            Graph(
                "Events wait on the stream",
                "churn_stream_lag_events",
                "{{instance}}",
                COUNT,
                "Sent, and not yet known to the service of the host.",
            ),
            Graph(
                "Pushes wait for other hosts",
                "push_outbox_lag_seconds",
                "{{instance}}",
                SECONDS,
                "Age of the oldest; 0 where they are not shared.",
            ),
            Graph(
                "Free space",
                "serving_disk_free_bytes",
                "state folder",
                BYTES,
                "On a full disk no answer is given.",
            ),
        ],
    ),
    "model": (
        "Churn: model and drift",
        [
            Graph(
                "Champion",
                "churn_champion_version",
                "{{portfolio}}",
                COUNT,
                "Version by the audit trail.",
                is_now=True,
            ),
            Graph(
                "Champion for",
                f"{AGE}churn_champion_promoted_timestamp_seconds",
                "{{portfolio}}",
                SECONDS,
                "215 days are a warning.",
                is_now=True,
            ),
            Graph(
                "Severity of the newest month",
                "churn_drift_severity",
                "{{portfolio}}",
                COUNT,
                "0 quiet, 1 notable, 2 severe.",
                is_now=True,
            ),
            Graph(
                "Mean score served",
                "churn:score_mean:1h",
                "{{portfolio}}",
                SHARE,
                "An hour's mean; a change of 0.08 within a week is an alert.",
            ),
            Graph(
                "Predicted to leave",
                'sum by (portfolio) (rate(churn_predictions_total{outcome="churn"}[1h])) '
                "/ sum by (portfolio) (rate(churn_predictions_total[1h]))",
                "{{portfolio}}",
                SHARE,
                "Share of the answers at or above the threshold.",
            ),
            Graph(
                "Missing values by feature",
                "topk(10, churn:null_rate:5m)",
                "{{portfolio}} {{feature}}",
                "ops",
                "The ten features that are missing most often.",
            ),
            Graph(
                "Importance of drifted features",
                "churn_drifted_importance",
                "{{portfolio}}",
                SHARE,
                "Of the newest month that monitoring judged.",
            ),
            Graph(
                "Mean score of the month against the hold-out",
                "churn_monthly_score_mean_shift",
                "{{portfolio}}",
                SHARE,
                "Of the newest month that monitoring judged.",
            ),
        ],
    ),
    "pipeline": (
        "Churn: pipeline",
        [
            Graph(
                "Newest month scored, age of its first day",
                f"{AGE}churn_scored_month_timestamp_seconds",
                "{{portfolio}}",
                SECONDS,
                "Up to 62 days are normal: a month, and the next one until it is scored.",
                is_now=True,
            ),
            Graph(
                "Newest month landed, age of its first day",
                f"{AGE}churn_landed_month_timestamp_seconds",
                "{{portfolio}}",
                SECONDS,
                "The newest month of which every required table is there.",
                is_now=True,
            ),
            Graph(
                "Months missing",
                "churn_landing_months_missing",
                "{{portfolio}}",
                COUNT,
                "Between the first and the newest that landed.",
                is_now=True,
            ),
            Graph(
                "Runs by status",
                "sum by (status) (churn_runs)",
                "{{status}}",
                COUNT,
                "Runs that Dagster remembers.",
            ),
            Graph(
                "Runs that wait",
                "churn_run_queue_length",
                "queue",
                COUNT,
                "One run writes at a time.",
            ),
            Graph(
                "Last failure of each job, age",
                f'{AGE}churn_run_last_end_timestamp_seconds{{status="FAILURE"}}',
                "{{dagster_job}}",
                SECONDS,
                "Jobs that never failed are not shown.",
            ),
            Graph(
                "Daemons, last sign of life",
                f"{AGE}churn_daemon_heartbeat_timestamp_seconds",
                "{{daemon}}",
                SECONDS,
                "Some seconds while the daemon runs.",
            ),
            Graph(
                "Assets longest not made",
                f"topk(10, {AGE}churn_asset_last_success_timestamp_seconds)",
                "{{asset}}",
                SECONDS,
                "Time since the last success.",
            ),
            Graph(
                "Free space",
                "churn_disk_free_bytes",
                "{{folder}}",
                BYTES,
                "Of the disks that the folders are on.",
            ),
            Graph(
                "Stores that the exporter can read",
                "churn_exporter_source_up",
                "{{source}}",
                COUNT,
                "0: the figures are those read last.",
            ),
        ],
    ),
    "campaign": (
        "Churn: campaign",
        [
            Graph(
                "Profit to date",
                "churn_campaign_profit_eur",
                "{{portfolio}}",
                EUROS,
                "Measured against the control group, beyond the campaigns' cost.",
                is_now=True,
            ),
            Graph(
                "Customers kept to date",
                "churn_campaign_kept_customers",
                "{{portfolio}}",
                COUNT,
                "Who stayed because of a contact.",
                is_now=True,
            ),
            Graph(
                "Customers contacted to date",
                "churn_campaign_contacted_customers",
                "{{portfolio}}",
                COUNT,
                "In all campaigns whose outcomes have matured.",
                is_now=True,
            ),
            Graph(
                "Customers scored",
                "churn_scored_customers",
                "{{portfolio}}",
                COUNT,
                "Of the newest month.",
            ),
            Graph(
                "Profit for each contact",
                "churn_campaign_profit_eur / (churn_campaign_contacted_customers > 0)",
                "{{portfolio}}",
                EUROS,
                "Below zero a contact costs more than it keeps.",
            ),
            Graph(
                "Cost of the newest month",
                "churn_infrastructure_cost_eur",
                "{{item}}",
                EUROS,
                "At the prices that are set.",
            ),
        ],
    ),
}


def panel_of(graph: Graph) -> Stat | Timeseries:
    """The panel of a graph."""
    query = Dataquery().expr(graph.expression).legend_format(graph.legend).ref_id("A")
    if graph.is_now:
        newest = ReduceDataOptions().calcs(["lastNotNull"])
        panel: Stat | Timeseries = Stat().reduce_options(newest).span(THIRD)
    else:
        legend = VizLegendOptions().show_legend(True).display_mode(LegendDisplayMode.LIST)
        panel = Timeseries().legend(legend.placement(LegendPlacement.BOTTOM)).span(HALF)
    panel.title(graph.title).description(graph.about).unit(graph.unit)
    return panel.datasource(SOURCE).with_target(query).height(HEIGHT)


def dashboard(uid: str, title: str, graphs: list[Graph]) -> str:
    """A dashboard as JSON."""
    made = Dashboard(title).uid(f"churn-{uid}").tags(["churn"]).readonly().timezone("utc")
    made.time("now-24h", "now").refresh("1m")
    for graph in graphs:
        made.with_panel(panel_of(graph))
    return JSONEncoder(sort_keys=True, indent=2).encode(made.build()) + "\n"


def main() -> int:
    """Write, or with --check compare; 1 if a file is not what is made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only")
    is_check = parser.parse_args().check
    stale = []
    for name, (title, graphs) in DASHBOARDS.items():
        path = FOLDER / f"{name}.json"
        content = dashboard(name, title, graphs)
        if not is_check:
            path.write_text(content)
        elif not path.exists() or path.read_text() != content:
            stale.append(path.name)
    if stale:
        print(f"{', '.join(stale)}: not what make_dashboards.py makes; run it without --check")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
