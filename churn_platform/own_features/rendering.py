"""The SQL of one dbt model for one month, by the project's own macros, without dbt.

dbt takes seconds to say what a model is for one month, and says it while it writes. The models use
few of its words: `ref`, `source`, `var` and `config`. Those are here, and mean the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from churn_platform.errors import SpecError
from churn_platform.months import as_of

MACROS = ("time.sql", "label.sql", "label_policies.sql")
TableOf = Callable[[str], str]


@dataclass(frozen=True)
class _Relation:
    """A table as `ref` gives it: the month being built, or with `.render()` every month."""

    name: str
    table: str
    month: date

    def render(self) -> str:
        return self.table

    def __str__(self) -> str:
        # With an alias, as dbt writes it: another one behind it is no SQL, here as there.
        return (
            f"(select * from {self.table} where month >= date '{self.month}' "
            f"and month < date '{as_of(self.month)}') _dbt_et_filter_subq_{self.name}"
        )


def render_model(
    text: str,
    *,
    project: Path,
    variables: Mapping[str, Any],
    month: date,
    table_of: TableOf,
) -> str:
    """The SQL of a model's `text` for a month, with the macros and variables of the dbt project.

    `table_of` gives the table that a name in `ref` stands for; one in `source` is asked for as
    `schema.table`. SpecError says what the template cannot.
    """

    def ref(name: str) -> _Relation:
        return _Relation(name, table_of(name), month)

    def source(schema: str, name: str) -> _Relation:
        return _Relation(name, table_of(f"{schema}.{name}"), month)

    def var(name: str, default: Any = None) -> Any:
        return variables.get(name, default)

    begin = datetime.combine(month, time())
    batch = SimpleNamespace(event_time_start=begin)
    # A person's file may say anything; the sandbox keeps it from Python.
    environment = SandboxedEnvironment(undefined=StrictUndefined, extensions=["jinja2.ext.do"])
    environment.globals |= {
        "model": SimpleNamespace(batch=batch),
        "ref": ref,
        "source": source,
        "var": var,
        "config": lambda **_: "",
    }
    macros = [(project / "macros" / name).read_text(encoding="utf-8") for name in MACROS]
    try:
        return environment.from_string("".join([*macros, text])).render().strip()
    except TemplateError as error:
        raise SpecError(f"the template cannot be read: {error}") from error
