"""The reference side: importing torch and torchvision.

Some torch builds come without the compiled torchvision operators; importing torchvision then fails
while it registers shape functions for two of them.  Declaring the two schemas is all that it
misses, as long as nothing calls the operators.
"""

from __future__ import annotations

import importlib
from types import ModuleType

_libraries: list = []  # a torch.library.Library forgets its schemas when collected

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def import_torch() -> ModuleType:
    """torch, or ImportError saying how to get it."""
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        raise ImportError(
            "parity compares with PyTorch: install torch (the CPU build is enough) "
            f"to run it ({error})"
        ) from error


def import_torchvision() -> ModuleType:
    """torchvision; where its compiled operators are missing, with their schemas declared first."""
    torch = import_torch()
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        library = torch.library.Library("torchvision", "DEF")
        for schema in SCHEMAS:
            library.define(schema)
        _libraries.append(library)
        return importlib.import_module("torchvision")
