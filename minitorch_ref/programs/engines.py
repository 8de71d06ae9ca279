"""Which torch a program runs on, found by name, and the torchvision that belongs to it."""

from __future__ import annotations

import importlib
import sys
from typing import Any

ENGINES = ("minitorch_ref", "torch")
_libraries: list[Any] = []  # torch forgets an op's schema when its Library object dies


def load(name: str) -> Any:
    """The namespace called `name`; ValueError for another name, ImportError if not installed."""
    if name not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, got {name!r}")
    return importlib.import_module(name)


def vision_of(torch: Any) -> Any:
    """The package with `transforms` that goes with `torch`."""
    if torch.__name__ != "torch":
        return importlib.import_module(f"{torch.__name__}.vision")
    try:
        return importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    # torchvision was built for another torch (say, CUDA) and its compiled ops did not load.  The
    # transforms need none of them; its import only wants their signatures declared.
    for module in [m for m in sys.modules if m == "torchvision" or m.startswith("torchvision.")]:
        del sys.modules[module]
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _libraries.append(library)
    return importlib.import_module("torchvision")
