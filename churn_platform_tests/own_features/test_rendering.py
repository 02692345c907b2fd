"""A model's SQL for one month, as dbt would make it."""

from datetime import date

import pytest

from churn_platform.errors import SpecError
from churn_platform_tests.support.dbt_sql import render


def test_ref_is_the_month_and_render_is_every_month():
    """As dbt's microbatch has it."""
    told = render("{{ ref('stg_cdr') }} | {{ ref('stg_cdr').render() }}", date(2025, 2, 1))
    filtered, whole = told.split(" | ")
    assert "month >= date '2025-02-01' and month < date '2025-03-01'" in filtered
    assert whole == "stg_cdr"


def test_a_template_that_cannot_be_read_is_told():
    """With the word that is wrong."""
    with pytest.raises(SpecError, match="as_off"):
        render("select {{ as_off() }}", date(2025, 2, 1))
