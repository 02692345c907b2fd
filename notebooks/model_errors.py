"""Where a champion is wrong: of the newest month with outcomes, who left unexpectedly, who stayed
though expected to leave, and what they have in common.

Reads the lake read-only. Open it with `make notebook`, or run all with `make notebooks`.
"""

import marimo

app = marimo.App(width="medium", app_title="A model's errors")


@app.cell
def _():
    from contextlib import closing

    import marimo as mo
    import matplotlib.pyplot as plt
    import numpy as np
    from sklearn.metrics import roc_auc_score

    from churn_platform.masking import masked_id
    from churn_platform.portfolios.loader import load_portfolios
    from churn_platform.settings import load_settings
    from churn_platform.warehouse.lake import Lake, connect

    return (
        Lake,
        closing,
        connect,
        load_portfolios,
        load_settings,
        masked_id,
        mo,
        np,
        plt,
        roc_auc_score,
    )


@app.cell
def _(Lake, closing, connect, load_portfolios, load_settings, mo):
    settings = load_settings()
    named = str(mo.cli_args().get("portfolio") or "telecomit")
    portfolio = load_portfolios(settings.portfolios_dir)[named]
    # Scores of a month beside what became of its customers: one row per customer, features beside.
    query = f"""
        with judged as (
            select scores.*, labels.churned
            from {named}.monthly_scores as scores
            inner join {named}.churn_labels as labels
                on labels.customer_id = scores.customer_id
                and labels.features_month = scores.month
        ),
        newest as (
            select * from judged where month = (select max(month) from judged)
        )
        select newest.customer_id, newest.month, churn_probability, risk_tier, decile, churned,
            features.* exclude (customer_id, month)
        from newest
        inner join {named}.customer_features as features
            on features.customer_id = newest.customer_id and features.month = newest.month
    """
    with closing(connect(Lake.of(settings), read_only=True)) as _connection:
        customers = _connection.execute(query).df()
    mo.stop(customers.empty, mo.md(f"No month of {named} has both scores and outcomes yet."))
    return customers, portfolio


@app.cell
def _(customers, mo, portfolio, roc_auc_score):
    _month = f"{customers['month'].iloc[0]:%Y-%m}"
    _auc = roc_auc_score(customers["churned"], customers["churn_probability"])
    mo.md(
        f"# Errors of the champion of {portfolio.title}\n\n"
        f"{len(customers):,} customers scored at the end of {_month}; "
        f"{customers['churned'].sum():,} left in the month after. AUC {_auc:.3f}."
    )
    return


@app.cell
def _(customers, mo, plt):
    # Where points leave the diagonal the probabilities are too high or too low.
    _by_decile = customers.groupby("decile").agg(
        expected=("churn_probability", "mean"), observed=("churned", "mean")
    )
    _figure, _axis = plt.subplots(figsize=(5, 4), layout="constrained")
    _top = float(_by_decile.max().max()) * 1.05
    _axis.plot([0, _top], [0, _top], color="grey", linewidth=1)
    _axis.plot(_by_decile["expected"], _by_decile["observed"], "o")
    _axis.set_xlabel("expected share of churners, by decile")
    _axis.set_ylabel("observed")
    mo.vstack([mo.md("## Calibration"), _figure])
    return


@app.cell
def _(customers, masked_id, mo):
    # The surest mistakes of both kinds; ids are masked, as everywhere outside the service.
    def surest(wrong, *, most_likely_first):
        ordered = wrong.sort_values("churn_probability", ascending=not most_likely_first).head(10)
        shown = ordered[["customer_id", "churn_probability", "contract_type", "tenure_days"]].copy()
        shown["customer_id"] = shown["customer_id"].map(masked_id)
        return shown.round(3)

    _left = customers[customers["churned"]]
    _stayed = customers[~customers["churned"]]
    mo.vstack(
        [
            mo.md("## Left, though they were hardly at risk"),
            mo.plain(surest(_left, most_likely_first=False)),
            mo.md("## Stayed, though they were most at risk"),
            mo.plain(surest(_stayed, most_likely_first=True)),
        ]
    )
    return


@app.cell
def _(customers, mo, portfolio):
    # A segment in which far more leave than expected is one that the model does not understand.
    def by_segment(name):
        grouped = customers.groupby(name, observed=True).agg(
            customers=("churned", "size"),
            expected=("churn_probability", "sum"),
            left=("churned", "sum"),
        )
        grouped["left per expected"] = grouped["left"] / grouped["expected"]
        return grouped.round(2)

    _parts = [mo.md("## Segments")]
    for _feature in portfolio.features:
        if _feature.type == "category":
            _parts.append(mo.plain(by_segment(_feature.name)))
    mo.vstack(_parts)
    return


@app.cell
def _(customers, mo, np, portfolio):
    # Churners whom the model missed beside those it found: the features in which they differ most
    # are what it would have to see.
    _left = customers[customers["churned"]]
    _middle = _left["churn_probability"].median()
    _missed = _left[_left["churn_probability"] < _middle]
    _found = _left[_left["churn_probability"] >= _middle]
    _rows = []
    for _feature in portfolio.features:
        if _feature.type in ("number", "integer"):
            _spread = customers[_feature.name].std()
            _gap = _missed[_feature.name].mean() - _found[_feature.name].mean()
            if _spread and np.isfinite(_gap):
                _rows.append((_feature.name, _gap / _spread))
    _rows.sort(key=lambda row: -abs(row[1]))
    _lines = [f"| {name} | {gap:+.2f} |" for name, gap in _rows[:12]]
    _head = "| feature | missed minus found, in standard deviations |\n|---|---|\n"
    mo.md("## What the missed churners have less or more of\n\n" + _head + "\n".join(_lines))
    return


if __name__ == "__main__":
    app.run()
