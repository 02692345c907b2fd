"""Everything that imports Dagster: when does what run, and what does the graph look like?

Begin with `assets/`, a module per stage: an asset fetches, calls one function of the stage's
package, and records. `jobs.py`, `schedules.py` and `sensors/` say when; `partitions.py` says by
which month; `resources/` opens the lake, MLflow and the trail. A rule about a month, a model, a
decision or a customer does not belong here.
"""
