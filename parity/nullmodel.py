"""How far apart rounding alone can take two runs: a prediction from a few perturbed runs of torch.

K runs of torch, each with its numbers moved by single ULPs, end up d₁ … d_K away from the plain
run.  If another engine differs by rounding only, its distance is one more draw of the kind, and

    d / sqrt(mean dₖ²)  is at most  t,   Student's two-sided 99.9 % point for K degrees of freedom,

in all but one of a thousand comparisons.  The largest dₖ itself would be exceeded in one of K + 1.
"""

from __future__ import annotations

import numpy as np

STUDENT = {
    1: 636.6,
    2: 31.60,
    3: 12.92,
    4: 8.610,
    5: 6.869,
    6: 5.959,
    7: 5.408,
    8: 5.041,
    9: 4.781,
    10: 4.587,
}


def limit(distances: np.ndarray) -> np.ndarray:
    """The 99.9 % prediction limit from `distances`, one row for each perturbed run."""
    distances = np.asarray(distances, np.float64)
    runs = len(distances)
    if runs not in STUDENT:
        raise ValueError(f"the null model takes 1 to {max(STUDENT)} runs, got {runs}")
    with np.errstate(over="ignore"):
        return STUDENT[runs] * np.sqrt(np.mean(distances**2, axis=0))
