"""Images: torchvision's place. `transforms`, `datasets`, `models`, `utils`, under its names."""

from typing import Any

from ..version import as_torchvision as __version__
from . import datasets, transforms, utils

__all__ = ["__version__", "datasets", "models", "transforms", "utils"]


def __getattr__(name: str) -> Any:
    if name == "models":  # most programs define their own
        import importlib

        return importlib.import_module(".models", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
