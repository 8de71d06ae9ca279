"""Which torch a program runs on, found by name, and the torchvision that belongs to it."""

from __future__ import annotations

import importlib
from typing import Any

ENGINES = ("minitorch_ref", "torch")


def load(name: str) -> Any:
    """The namespace called `name`; ValueError for another name, ImportError if not installed."""
    if name not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, got {name!r}")
    return importlib.import_module(name)


def vision_of(torch: Any) -> Any:
    """The package with `transforms` that goes with `torch`; ImportError if there is none.

    A torchvision that was built for another torch fails as it is imported.
    """
    if torch.__name__ != "torch":
        return importlib.import_module(f"{torch.__name__}.vision")
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        raise ImportError(
            f"torchvision does not go with this torch ({error}): "
            "`python -m parity programs lenet5` can run the program on both engines all the same"
        ) from error
