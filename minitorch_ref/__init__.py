"""minitorch_ref: PyTorch's API in plain NumPy.  `import minitorch_ref as torch`."""

import importlib as _importlib
import pkgutil as _pkgutil

from . import ops as _ops
from .autograd import methods as _methods
from .autograd.modes import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from .device import device
from .dtypes import (
    bfloat16,
    can_cast,
    cdouble,
    cfloat,
    complex64,
    complex128,
    double,
    dtype,
    finfo,
    float16,
    float32,
    float64,
    get_default_dtype,
    half,
    iinfo,
    int8,
    int16,
    int32,
    int64,
    long,
    promote_types,
    result_type,
    set_default_dtype,
    short,
    uint8,
)
from .dtypes import bool_ as bool
from .dtypes import float_ as float
from .dtypes import int_ as int
from .layout import channels_last, contiguous_format, layout, memory_format, preserve_format, strided
from .tensor import Size, Tensor

for _module in _pkgutil.iter_modules(_ops.__path__):
    try:
        _importlib.import_module(f".ops.{_module.name}", __name__)
    except Exception as _e:  # TEMPORARY while files are being written
        import sys as _sys
        print("ops import failed:", _module.name, repr(_e), file=_sys.stderr)
from .ops.registry import REGISTRY as _REGISTRY

for (_namespace, _name), _op in _REGISTRY.items():
    if _namespace == "torch":
        globals()[_name] = _op.call
        if _op.inplace and hasattr(_op.call, "in_place"):
            globals()[f"{_name}_"] = _op.call.in_place
