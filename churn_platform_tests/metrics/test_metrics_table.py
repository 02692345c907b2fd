"""Metrics as a table: one column a model, with intervals where they are known."""

from churn_platform.metrics.metrics_table import SHOWN, metrics_table


def cells(table: str, metric: str) -> list[str]:
    """The cells of a metric's row."""
    (row,) = [line for line in table.splitlines() if SHOWN[metric] in line]
    return [cell.strip() for cell in row.strip("|").split("|")][1:]


def test_each_set_of_metrics_has_its_column():
    """A metric that a set lacks is a dash; every known metric has a row."""
    table = metrics_table({"champion": {"auc": 0.75, "recall": 0.5}, "challenger": {"auc": 0.5}})
    assert cells(table, "auc") == ["0.75", "0.5"]
    assert cells(table, "recall") == ["0.5", "-"]
    assert len(table.splitlines()) == len(SHOWN) + 2


def test_an_interval_stands_behind_its_own_number():
    """Only in the column and the row that it belongs to."""
    metrics = {"champion": {"auc": 0.75}, "challenger": {"auc": 0.75}}
    table = metrics_table(metrics, {"challenger": {"auc": (0.5, 0.875)}})
    assert cells(table, "auc") == ["0.75", "0.75 (0.5 to 0.875)"]
