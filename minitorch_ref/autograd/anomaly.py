"""Anomaly detection: backward stops at the first operation whose gradient has a NaN, and names it.

    with torch.autograd.detect_anomaly():
        loss = f(x)
        loss.backward()          RuntimeError: Function 'SqrtBackward0' returned nan values …

While it is on, every node that is recorded remembers where in the program that was; whatever goes
wrong in its backward is reported with a warning that quotes these lines.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np

from ..settings import HOME, warn_caller
from .graph import Node
from .modes import anomaly, state

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
        _set(mode, check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        _set(*self._before)


def _set(enabled: bool, check_nan: bool) -> None:
    from .watching import unwatch, watch

    if enabled != anomaly.enabled:
        (watch if enabled else unwatch)(_remember)
    anomaly.enabled, anomaly.check_nan = enabled, check_nan


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


# ---- where an operation was called -------------------------------------------------------------


def _remember(node: Node) -> None:
    """Note the program's lines on the stack, and the node whose backward is recording this one."""
    import traceback  # a program that looks for no anomalies does not need it

    stack = traceback.extract_stack()
    while stack and stack[-1].filename.startswith(HOME):
        stack.pop()
    node.metadata["traceback_"] = stack.format()
    if state.running is not None:
        node.metadata["parent_"] = _visited(state.running)


def _visited(run: Any) -> Node | None:
    """The node at which a backward pass is."""
    frame: Any = sys._getframe()
    while frame is not None and frame.f_locals.get("self") is not run:
        frame = frame.f_back
    return frame and frame.f_locals.get("node")


def report(node: Node) -> None:
    """Warn that something went wrong in `node`, and say where it was recorded, and why."""
    lines = _lines(node, "")
    if not lines:
        warn_caller(
            f"Error detected in {node.name()}. No forward pass information available. Enable detect "
            "anomaly during forward pass for more information."
        )
        return
    warn_caller(
        f"Error detected in {node.name()}. Traceback of forward call that caused the error:\n{lines}"
    )
    parent = node.metadata.get("parent_")
    while parent is not None:
        warn_caller(
            "\n\nPrevious calculation was induced by "
            f"{parent.name()}. Traceback of forward call that induced the previous calculation:\n"
            + _lines(parent, "No forward pass information available.")
        )
        parent = parent.metadata.get("parent_")


def _lines(node: Node, otherwise: str) -> str:
    return "".join(node.metadata.get("traceback_", ())) or otherwise


def checked(node: Node, results: list[Any]) -> list[Any]:
    """`results`, the gradients that a node passes on.  Raises RuntimeError if one has a NaN."""
    inputs = [(target, nr) for target, nr in node.next_functions]
    for target, nr, gradient in results:
        if gradient._array.dtype.kind in "fc" and np.isnan(gradient._array).any():
            place = inputs.index((target, nr))
            raise RuntimeError(f"Function '{node.name()}' returned nan values in its {place}th output.")
    return results
