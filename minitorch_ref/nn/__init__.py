"""Neural networks: modules and their parameters, the functions they call, initial weights.

Read `modules/module.py` first, then `modules/linear.py` for a layer with parameters and
`modules/layer.py` with `modules/activation.py` for those without.
"""

from . import attention, functional, init, modules, parallel, parameter, utils
from .modules import *  # noqa: F403 - exactly the names in modules.__all__
from .modules import __all__ as _layers
from .parallel import DataParallel
from .parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter

__all__ = [
    "Buffer", "DataParallel", "Parameter", "UninitializedBuffer", "UninitializedParameter", "attention", "functional", "init",
    "modules", "parallel", "parameter", "utils", *_layers,
]  # fmt: skip
