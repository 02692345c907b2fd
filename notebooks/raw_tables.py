"""What an operator's landed tables hold: rows by month, missing values, levels, and days and hours.

Reads the lake read-only. Open it with `make notebook`, or run all with `make notebooks`.
"""

import marimo

app = marimo.App(width="medium", app_title="Raw tables")


@app.cell
def _():
    from contextlib import closing

    import marimo as mo
    import matplotlib.pyplot as plt

    from churn_platform.ingest.load import filled_tables, raw_columns, raw_table
    from churn_platform.months import zone_offsets
    from churn_platform.portfolios.loader import load_portfolios
    from churn_platform.settings import load_settings
    from churn_platform.sql import identifier, local_time
    from churn_platform.warehouse.lake import Lake, connect

    return (
        Lake,
        closing,
        connect,
        filled_tables,
        identifier,
        load_portfolios,
        load_settings,
        local_time,
        mo,
        plt,
        raw_columns,
        raw_table,
        zone_offsets,
    )


@app.cell
def _(Lake, closing, connect, load_portfolios, load_settings, mo):
    settings = load_settings()
    named = str(mo.cli_args().get("portfolio") or "telecomit")
    portfolio = load_portfolios(settings.portfolios_dir)[named]

    def read(query, *parameters):
        """The rows of a query, as a frame; the lake cannot be changed here."""
        with closing(connect(Lake.of(settings), read_only=True)) as connection:
            return connection.execute(query, list(parameters)).df()

    mo.md(f"# Raw tables of {portfolio.title}")
    return portfolio, read, settings


@app.cell
def _(Lake, closing, connect, filled_tables, mo, portfolio, settings):
    with closing(connect(Lake.of(settings), read_only=True)) as _connection:
        tables = filled_tables(_connection, portfolio)
    mo.stop(not tables, mo.md(f"Nothing of {portfolio.name} has landed yet."))
    return (tables,)


@app.cell
def _(mo, plt, portfolio, raw_table, read, tables):
    # A month that is much smaller or larger than its neighbours is the first thing to ask about.
    def rows_by_month(table):
        query = f"select month, count(*) as rows from {raw_table(portfolio, table)} group by all"
        return read(f"{query} order by month")

    figure, axes = plt.subplots(
        len(tables), 1, figsize=(7, 1.6 * len(tables)), layout="constrained", squeeze=False
    )
    for _axis, _table in zip(axes[:, 0], tables, strict=True):
        _rows = rows_by_month(_table)
        _axis.bar(_rows["month"].astype(str).str[:7], _rows["rows"])
        _axis.set_title(_table.name, loc="left", fontsize=9)
        _axis.tick_params(axis="x", rotation=60, labelsize=7)
    mo.vstack([mo.md("## Rows by month"), figure])
    return


@app.cell
def _(identifier, mo, portfolio, raw_columns, raw_table, read, tables):
    # Missing values of the newest month beside those of all months: a column that went empty.
    def missing_shares(table):
        name = raw_table(portfolio, table)
        shares = []
        for column in raw_columns(table):
            shares.append(f"avg(({identifier(column)} is null)::double) as {identifier(column)}")
        listed = ", ".join(shares)
        every = read(f"select {listed} from {name}")
        newest = read(f"select {listed} from {name} where month = (select max(month) from {name})")
        both = every.T.join(newest.T, lsuffix="_", rsuffix="newest")
        both.columns = ["all months", "newest month"]
        return both[(both > 0).any(axis=1)].round(3)

    _parts = [mo.md("## Share of missing values")]
    for _table in tables:
        _shares = missing_shares(_table)
        if len(_shares):
            _parts += [mo.md(f"**{_table.name}**"), mo.plain(_shares)]
    mo.vstack(_parts)
    return


@app.cell
def _(identifier, mo, portfolio, raw_table, read, tables):
    # A level whose share moves from month to month is a new product, or a new way of writing it.
    def levels_by_month(table, column):
        name, quoted = raw_table(portfolio, table), identifier(column)
        counted = read(
            f"select month, {quoted} as level, count(*) as rows from {name} group by all"
        )
        wide = counted.pivot(index="month", columns="level", values="rows").fillna(0)
        shares = wide.div(wide.sum(axis=1), axis=0).round(3)
        shares.index = shares.index.astype(str).str[:7]
        return shares

    _parts = [mo.md("## Shares of levels")]
    for _table in tables:
        for _column in _table.columns:
            if _column.levels:
                _parts.append(mo.md(f"**{_table.name}.{_column.name}**"))
                _parts.append(mo.plain(levels_by_month(_table, _column.name)))
    mo.vstack(_parts)
    return


@app.cell
def _(local_time, mo, plt, portfolio, raw_table, read, tables, zone_offsets):
    # Peaks at the wrong hour tell a wrong zone.
    def events_by_hour(table):
        zone = portfolio.timezone
        own_time = local_time(table.event_time, zone, zone_offsets(zone))
        query = f"select hour({own_time}) as hour, count(*) as events "
        query += f"from {raw_table(portfolio, table)}"
        return read(f"{query} group by all order by hour")

    _figure, _axis = plt.subplots(figsize=(7, 3), layout="constrained")
    for _table in tables:
        if _table.event_time:
            _events = events_by_hour(_table)
            _axis.plot(_events["hour"], _events["events"] / _events["events"].sum())
            _axis.annotate(_table.name, (23, _events["events"].iloc[-1] / _events["events"].sum()))
    _axis.set_xlabel(f"hour of the day, {portfolio.timezone}")
    _axis.set_ylabel("share of events")
    mo.vstack([mo.md("## When events happen"), _figure])
    return


if __name__ == "__main__":
    app.run()
