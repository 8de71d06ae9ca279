"""Drawn data for the first two programs, of the same schema as the files they stand in for."""

from __future__ import annotations

import numpy as np


def points(seed: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """100 points, features (100, 2) in [0, 1] and labels (100,): two clouds that touch.

    Label 1 lies below a slanting line, label 0 above it; 50 of each, shuffled.
    """
    rng = np.random.RandomState(seed)
    labels = np.repeat([1.0, 0.0], 50)
    centres = np.where(labels[:, None] == 1, [0.33, 0.30], [0.67, 0.70])
    features = np.clip(centres + rng.normal(scale=0.16, size=(100, 2)), 0, 1)
    order = rng.permutation(100)
    return features[order].round(6), labels[order]


def applications(seed: int = 7) -> np.ndarray:
    """400 rows (admit, gre, gpa, rank), admission drawn from a published logistic fit.

    The fit is the UCLA Statistical Consulting Group's logistic regression of the real data (its
    "Logit Regression" page): log-odds = -3.989979 + .002264 gre + .804038 gpa, and -.675443,
    -1.340204, -1.551464 for ranks 2, 3, 4.  Scores and ranks follow that data's spread.
    """
    rng = np.random.RandomState(seed)
    ability = rng.normal(size=(400, 2)) @ np.array([[1.0, 0.38], [0.0, 0.92]])  # r about 0.38
    gre = np.clip(np.rint((588 + 115 * ability[:, 0]) / 20) * 20, 220, 800)
    gpa = np.clip((3.39 + 0.38 * ability[:, 1]).round(2), 2.26, 4.0)
    rank = rng.choice([1, 2, 3, 4], size=400, p=[61 / 400, 151 / 400, 121 / 400, 67 / 400])
    effect = np.array([0.0, -0.675443, -1.340204, -1.551464])[rank - 1]
    log_odds = -3.989979 + 0.002264 * gre + 0.804038 * gpa + effect
    admit = rng.uniform(size=400) < 1 / (1 + np.exp(-log_odds))
    return np.column_stack([admit, gre, gpa, rank]).astype(np.float64)
