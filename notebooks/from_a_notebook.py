"""What a churn notebook usually does, cell by cell, beside what the platform does in its place.

Reads the lake read-only: the same customers that `make demo` scored. docs/from_a_notebook.md goes
with it.
"""

import marimo

app = marimo.App(width="medium", app_title="From a notebook to this")


@app.cell
def _():
    from contextlib import closing

    import marimo as mo
    import numpy as np
    import pandas as pd
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from churn_platform.metrics.metrics import measure
    from churn_platform.metrics.threshold import choose_threshold
    from churn_platform.portfolios.loader import load_portfolios
    from churn_platform.settings import load_settings
    from churn_platform.warehouse.lake import Lake, connect

    return (
        Lake,
        LogisticRegression,
        StandardScaler,
        choose_threshold,
        closing,
        connect,
        load_portfolios,
        load_settings,
        make_pipeline,
        measure,
        mo,
        np,
        pd,
        roc_auc_score,
        train_test_split,
    )


@app.cell
def _(Lake, closing, connect, load_portfolios, load_settings, mo):
    # There: pd.read_csv of an export, in which nobody knows what was known when.
    # Here: each row is a customer at the end of a month, and the label is of the month after.
    settings = load_settings()
    named = str(mo.cli_args().get("portfolio") or "telecomit")
    portfolio = load_portfolios(settings.portfolios_dir)[named]
    _query = f"""
        select features.*, labels.churned, scores.churn_probability
        from {named}.customer_features as features
        inner join {named}.churn_labels as labels
            on labels.customer_id = features.customer_id
            and labels.features_month = features.month
        left join {named}.monthly_scores as scores
            on scores.customer_id = features.customer_id and scores.month = features.month
        where labels.churned is not null
        order by features.month, features.customer_id
    """
    with closing(connect(Lake.of(settings), read_only=True)) as _connection:
        customers = _connection.execute(_query).df()
    mo.stop(customers["month"].nunique() < 2, mo.md(f"{named} has labels of one month or none."))
    return customers, named, portfolio


@app.cell
def _(customers, mo, pd, portfolio):
    # There: get_dummies and fillna, again in the service, a little differently.
    # Here: the spec's catalogue says type, range and levels once, for training and for requests.
    names = [feature.name for feature in portfolio.features]
    encoded = pd.get_dummies(customers[names], dummy_na=True).astype(float)
    encoded = encoded.fillna(encoded.median()).fillna(0.0)
    mo.md(f"# From a notebook to this\n\n{len(customers):,} rows, {len(names)} features.")
    return (encoded,)


@app.cell
def _(LogisticRegression, StandardScaler, customers, encoded, make_pipeline, roc_auc_score):
    # A model that anybody would begin with.
    outcome = customers["churned"].to_numpy(dtype=int)

    def auc_of(train, test):
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
        model.fit(encoded[train], outcome[train])
        scores = model.predict_proba(encoded[test])[:, 1]
        return float(roc_auc_score(outcome[test], scores)), scores

    return auc_of, outcome


@app.cell
def _(auc_of, customers, mo, np, train_test_split):
    # There: a random split. The same customer is on both sides, in other months.
    # Here: what judges is a later month than what was learned.
    _rows = np.arange(len(customers))
    _train, _test = train_test_split(_rows, test_size=0.25, random_state=0)
    _at_random = np.isin(_rows, _train)
    newest = (customers["month"] == customers["month"].max()).to_numpy()
    random_auc, _ = auc_of(_at_random, ~_at_random)
    later_auc, own_scores = auc_of(~newest, newest)
    mo.md(
        "## Which split tells the truth\n\n| split | AUC of a logistic regression |\n|---|---|\n"
        f"| at random | {random_auc:.3f} |\n| the newest month | {later_auc:.3f} |"
    )
    return newest, own_scores


@app.cell
def _(choose_threshold, customers, measure, mo, newest, outcome, own_scores, portfolio):
    # There: 0.5, or the best F1. Here: what a contact costs and what a customer kept is worth,
    # with the recall that the owner of the model asks for, at whatever price.
    def best(scores, min_recall):
        return choose_threshold(
            outcome[newest], scores, economics=portfolio.economics, min_recall=min_recall
        )

    def row(name, words, scores, threshold):
        found = measure(outcome[newest], scores, threshold=threshold, economics=portfolio.economics)
        return (
            f"| {name} | {words} | {found.auc:.3f} | {found.recall:.0%} | "
            f"{found.contacted_share:.1%} | {found.campaign_profit_eur:+.2f} |"
        )

    _scored = {"this notebook's": own_scores}
    _champion = customers.loc[newest, "churn_probability"]
    if _champion.notna().all():
        _scored["the champion's"] = _champion.to_numpy()
    _gate, _rows = portfolio.gates.min_recall, []
    for _name, _scores in _scored.items():
        _rows.append(row(_name, "0.5", _scores, 0.5))
        _rows.append(row(_name, "of most profit", _scores, best(_scores, 0.0)))
        _rows.append(row(_name, f"and {_gate:.0%} recall", _scores, best(_scores, _gate)))
    _columns = "| scores | threshold | AUC | recall | contacted | EUR a customer |"
    _head = ["## What a threshold is worth", "", _columns, "|---|---|---|---|---|---|"]
    mo.md("\n".join([*_head, *_rows]))
    return


@app.cell
def _(mo, named):
    _rows = (
        ("`pickle.dump(model)`", f"`{named}/published_model`, in ONNX, hashed and tried"),
        ("a CSV of scores, by mail", f"`{named}/monthly_scores` and `{named}/contact_list`"),
        ('"run all" next month', "a landed file starts the month, and replaces it as a whole"),
        ("a look at the new AUC", "gates, and the champion on the same customers"),
    )
    _lines = [f"| {_there} | {_here} |" for _there, _here in _rows]
    _head = ["## And then", "", "| a notebook ends with | here |", "|---|---|"]
    mo.md("\n".join([*_head, *_lines]))
    return


if __name__ == "__main__":
    app.run()
