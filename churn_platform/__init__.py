"""Monthly churn scores from raw operator tables, as one graph of Dagster assets over a DuckLake."""

import os

# Threads of a fit would spin while they wait for each other. On a machine that others use too a fit
# then takes 2 to 3 times as long; on a quiet one, sleeping costs up to a third
# (benchmarks/wait_policy.py). Libraries read this as they load.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
