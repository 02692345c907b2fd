"""The groups of assets: a stage of a portfolio each, named in the order in which they follow."""

STAGE_ORDER = ("raw", "staging", "features", "training", "scores", "serving", "monitoring")


def group_of(portfolio: str, stage: str) -> str:
    """The group of a stage's assets, as `4_telecomit_training`."""
    # Dagster lists groups by name: the number keeps the order of the story. In the graph it cuts a
    # name of more than 17 signs, and keeps its beginning and its last word: `4_telec…_training`.
    # With the stage before the portfolio that read `4_trai…_telecomit`, and a stage was lost.
    return f"{STAGE_ORDER.index(stage) + 1}_{portfolio}_{stage}"


def parts_of(group: str) -> tuple[str, str]:
    """Stage and portfolio of a group that `group_of` named."""
    portfolio, _, stage = group.partition("_")[2].rpartition("_")
    return stage, portfolio
