"""minitorch_ref: PyTorch's API in plain NumPy.  `import minitorch_ref as torch`.

Operations come from the registry: each is defined once, in a file of `ops/`, and published below
under the name it was registered with.  Everything else of the namespace is listed by hand.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from math import e, inf, nan, pi
from typing import Any as _Any

from . import autograd, backends, cuda, random, version
from . import bridges as _bridges  # attaches numpy, deepcopy, pickle to Tensor
from .autograd import methods as _methods  # attaches backward, grad_fn, hooks to Tensor
from .autograd.anomaly import is_anomaly_check_nan_enabled, is_anomaly_enabled
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
from .kernels.threads import get_num_threads, set_num_threads
from .layout import (
    channels_last,
    channels_last_3d,
    contiguous_format,
    layout,
    memory_format,
    preserve_format,
    strided,
)
from .ops import registry as _registry
from .random import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from .settings import (
    are_deterministic_algorithms_enabled,
    get_default_device,
    get_deterministic_debug_mode,
    get_float32_matmul_precision,
    get_num_interop_threads,
    is_deterministic_algorithms_warn_only_enabled,
    is_warn_always_enabled,
    set_default_device,
    set_default_tensor_type,
    set_deterministic_debug_mode,
    set_float32_matmul_precision,
    set_flush_denormal,
    set_num_interop_threads,
    set_warn_always,
    use_deterministic_algorithms,
)
from .storage import TypedStorage, UntypedStorage
from .tensor import Size, Tensor
from .version import __version__

newaxis = None

_TABLES = (
    "creation", "from_data", "sampling", "random_fill", "rejection_draws", "conversion", "shaping", "broadcasting", "parts", "filling",
    "indexing", "scatter", "indexed_slices", "masking", "scatter_reduce", "joining", "splitting",
    "rearranging", "grids",
    "pointwise", "arithmetic", "clamping", "fused", "softmax", "activation", "comparison", "reduction", "extremes", "moments", "norms",
    "order", "uniques", "sorting", "searching", "scan", "segments", "integrals", "matmul", "blends",
    "contraction", "products", "solving", "triangular", "factorizations",
    "decompositions", "reflectors", "indefinite", "lowrank", "determinants", "matrix_functions",
    "matrix_norms", "least_squares", "distances", "lobpcg", "retired", "operators",
    "histograms", "scatter_views", "copies", "differences", "elements", "introspection",
    "windows", "stft", "special_functions", "floating_parts",
    "parsing",
)  # fmt: skip
for _name in _TABLES:
    _import_module(f".ops.{_name}", __name__)

# In-place forms that torch has as methods only.
_METHODS_ONLY = {
    "add", "addbmm", "addcdiv", "addcmul", "addmm", "addr", "atan2", "baddbmm", "bitwise_and",
    "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor",
    "copysign", "cumprod", "cumsum", "digamma", "div", "eq", "erfinv", "floor_divide", "fmod",
    "ge", "gt", "heaviside", "hypot", "igamma", "igammac", "index_add", "index_copy",
    "index_fill", "index_reduce", "le", "lerp", "lgamma", "logical_and", "logical_not",
    "logical_or", "logical_xor", "lt", "masked_fill", "masked_scatter", "mul", "mvlgamma",
    "ne", "nextafter", "pow", "remainder", "renorm", "scatter", "scatter_add",
    "scatter_reduce", "sgn", "sign", "sub", "tril", "triu",
}  # fmt: skip

for (_namespace, _name), _op in _registry.REGISTRY.items():
    if _namespace == "torch":
        globals()[_name] = _op.call
        if _op.inplace and _name not in _METHODS_ONLY:
            globals()[f"{_name}_"] = getattr(Tensor, f"{_name}_")

# In-place methods that torch publishes as functions as well.
for _name in (
    "arccos_", "arccosh_", "arcsin_", "arcsinh_", "arctan_", "arctanh_", "clip_", "detach_",
    "fill_", "fix_", "negative_", "zero_",
):  # fmt: skip
    globals()[_name] = getattr(Tensor, _name)


def _tensor_repr(self: Tensor) -> str:
    """torch's text for a tensor; what makes it is imported when the first one is printed."""
    from .printing import tensor_repr

    return tensor_repr(self)


Tensor.__repr__ = _tensor_repr  # type: ignore[method-assign, assignment]

from .ops.from_data import LEGACY_TYPES as _LEGACY_TYPES  # noqa: E402

globals().update(_LEGACY_TYPES)

# Packages that a program may not need; imported when first used.
_LATER = {
    "set_printoptions": "printing", "signal": "signal", "testing": "testing", "amp": "amp", "autocast": "amp", "GradScaler": "amp", "get_autocast_dtype": "amp",
    "is_autocast_cache_enabled": "amp", "is_autocast_enabled": "amp", "to_dlpack": "utils.dlpack",
    "compile": "compiling", "func": "func", "vmap": "func",
    "accelerator": "accelerator", "distributed": "distributed", "jit": "jit", "onnx": "onnx",
    "multiprocessing": "multiprocessing", "serialization": "serialization",
    "nn": "nn", "distributions": "distributions", "optim": "optim", "utils": "utils", "fft": "fft", "linalg": "linalg", "special": "special", "load": "serialization", "save": "serialization",
}  # fmt: skip
# Functions that torch has here and in nn.functional.
_LATER |= dict.fromkeys(
    (
        "adaptive_max_pool1d", "alpha_dropout", "alpha_dropout_", "batch_norm", "bilinear",
        "binary_cross_entropy_with_logits", "celu", "celu_", "channel_shuffle", "constant_pad_nd",
        "cosine_embedding_loss", "cosine_similarity", "dropout", "dropout_", "embedding",
        "feature_alpha_dropout", "feature_alpha_dropout_", "feature_dropout", "feature_dropout_",
        "group_norm", "hinge_embedding_loss", "instance_norm", "kl_div", "layer_norm",
        "margin_ranking_loss", "native_channel_shuffle", "pairwise_distance", "pdist", "pixel_shuffle", "pixel_unshuffle",
        "poisson_nll_loss", "rms_norm", "rrelu", "rrelu_", "selu", "selu_", "threshold",
        "threshold_", "triplet_margin_loss",
    ),
    "nn.functional.native",
)  # fmt: skip
_LATER |= dict.fromkeys(
    (
        "adaptive_avg_pool1d", "avg_pool1d", "conv1d", "conv2d", "conv3d",
        "conv_tbc", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "max_pool1d",
        "max_pool2d", "max_pool3d",
    ),
    "nn.functional",
)  # fmt: skip
_LATER |= dict.fromkeys(
    (
        "gru", "gru_cell", "lstm", "lstm_cell", "rnn_relu", "rnn_relu_cell", "rnn_tanh",
        "rnn_tanh_cell",
    ),
    "nn.functional.recurrent",
)  # fmt: skip


def __getattr__(name: str) -> _Any:
    where = _LATER.get(name)
    if where is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = _import_module(f".{where}", __name__)
    value = module if where == name else getattr(module, name)
    globals()[name] = value
    return value
