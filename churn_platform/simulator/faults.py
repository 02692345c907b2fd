"""The broken_feed scenario: what happens to rows between the operator's systems and the landing
file.
"""

import numpy as np
import pyarrow as pa

from churn_platform.simulator.coefficients import BROKEN_FEED_KEPT, BROKEN_FEED_UNIT


def lose_calls(rng: np.random.Generator, batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch without most of its rows, lost at random."""
    return batch.filter(pa.array(rng.random(batch.num_rows) < BROKEN_FEED_KEPT))


def break_amounts(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with amounts in cents where euros belong."""
    position = batch.schema.get_field_index("amount_eur")
    cents = pa.array(batch.column(position).to_numpy() * BROKEN_FEED_UNIT)
    return batch.set_column(position, "amount_eur", cents)
