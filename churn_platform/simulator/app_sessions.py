"""App sessions: fewer when engagement falls, and the cancellation screen when a customer thinks of
leaving.
"""

import numpy as np

from churn_platform.simulator.chunk import (
    Chunk,
    Columns,
    dissatisfaction,
    draw_columns,
    draw_owners,
    draw_times_s,
)
from churn_platform.simulator.coefficients import App
from churn_platform.simulator.levels import ContractType, Screen
from churn_platform.simulator.population import NO_DAY, Population


def generate_sessions(rng: np.random.Generator, chunk: Chunk, level: float) -> list[Columns]:
    """Two blocks: ordinary sessions (`level` scales how many), then those spent on the cancellation
    screen.
    """
    app, people = App(), chunk.people
    rate = (
        level
        * people.app_level
        * np.exp(app.follows_engagement * people.engagement)
        * chunk.share_of_month
    )
    owners = draw_owners(rng, rate)
    # A block of their own: thinking of leaving opens this screen, independent of how often the app
    # is used.
    cancelling = draw_owners(rng, cancellation_rate(chunk, app) * chunk.share_of_month)
    screen = draw_columns(rng, screen_weights(people, app)[owners])
    return [
        session(rng, chunk, owners, screen, app),
        session(
            rng,
            chunk,
            cancelling,
            np.full(len(cancelling), Screen.CANCELLATION, dtype=np.int8),
            app,
        ),
    ]


def session(
    rng: np.random.Generator, chunk: Chunk, owners: np.ndarray, screen: np.ndarray, app: App
) -> Columns:
    """Columns of sessions of `owners`."""
    seconds = app.session_s_median * rng.lognormal(0, app.session_log_sd, len(owners))
    return {
        "customer_id": owners,
        "started_at": draw_times_s(rng, chunk, owners),
        "duration_s": np.clip(seconds, 2, 3 * 3600).astype(np.int32),
        "screen": screen,
    }


def screen_weights(people: Population, app: App) -> np.ndarray:
    """Weights of the screens but the cancellation screen, customers x screens."""
    weights = np.tile(np.array(app.screen_weight), (len(people), 1))
    weights[:, Screen.SUPPORT] += app.support_per_trouble * (people.trouble + people.grievance)
    return weights


def cancellation_rate(chunk: Chunk, app: App) -> np.ndarray:
    """Mean sessions on the cancellation screen in a full month; none for
    customers without the app.
    """
    people = chunk.people
    ends_by = chunk.month_day + chunk.month_days
    ended = (people.contract_end_day != NO_DAY) & (people.contract_end_day < ends_by)
    free = ended | (people.contract == ContractType.MONTH_TO_MONTH)
    log_rate = (
        app.cancellation_log_rate
        + app.cancellation_per_dissatisfaction * dissatisfaction(people)
        + app.cancellation_if_free * free
    )
    return np.where(
        people.app_level > 0,
        np.minimum(np.exp(log_rate), app.cancellation_max_rate),
        0.0,
    )
