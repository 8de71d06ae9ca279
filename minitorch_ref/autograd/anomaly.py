"""Anomaly detection: backward stops at the first operation whose gradient has a NaN, and names it.

    with torch.autograd.detect_anomaly():
        loss.backward()          RuntimeError: Function 'SqrtBackward0' returned nan values …

Unlike torch, the engine does not remember where in the program an operation was called.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .graph import Node
from .modes import anomaly

__all__ = ["detect_anomaly", "is_anomaly_check_nan_enabled", "is_anomaly_enabled", "set_detect_anomaly"]


def is_anomaly_enabled() -> bool:
    """Whether backward passes are watched."""
    return anomaly.enabled


def is_anomaly_check_nan_enabled() -> bool:
    """Whether they stop at a NaN."""
    return anomaly.check_nan


class set_detect_anomaly:  # noqa: N801
    """Watch backward passes or not, from now on; as a context, until it ends."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = (anomaly.enabled, anomaly.check_nan)
        anomaly.enabled, anomaly.check_nan = mode, check_nan

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        anomaly.enabled, anomaly.check_nan = self._before


class detect_anomaly:  # noqa: N801
    """A context in which backward passes are watched; it warns that this takes time."""

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only "
            "be enabled for debugging.",
            stacklevel=2,
        )

    def __enter__(self) -> None:
        self._inner = set_detect_anomaly(True, self.check_nan)

    def __exit__(self, *exc: object) -> None:
        self._inner.__exit__()


def checked(node: Node, results: list[Any]) -> list[Any]:
    """`results`, the gradients that a node passes on.  Raises RuntimeError if one has a NaN."""
    inputs = [(target, nr) for target, nr in node.next_functions]
    for target, nr, gradient in results:
        if gradient._array.dtype.kind in "fc" and np.isnan(gradient._array).any():
            warnings.warn(
                f"Error detected in {node.name()}. No forward pass information available: clone and "
                "inspect its inputs, or watch the forward pass with hooks.",
                stacklevel=4,
            )
            place = inputs.index((target, nr))
            raise RuntimeError(f"Function '{node.name()}' returned nan values in its {place}th output.")
    return results
