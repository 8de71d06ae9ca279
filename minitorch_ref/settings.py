"""The switches of the whole library: default device, determinism, precision of products, warnings.

They are kept and reported as in torch.  What they ask for holds here anyway, or is refused: every op
is deterministic, float32 products are computed in float32, and the one device is the CPU.
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

from . import dtypes
from .device import CPU, check_device, device

__all__ = [
    "are_deterministic_algorithms_enabled", "get_default_device", "get_deterministic_debug_mode",
    "get_float32_matmul_precision", "get_num_interop_threads",
    "is_deterministic_algorithms_warn_only_enabled", "is_warn_always_enabled",
    "set_default_device", "set_default_tensor_type", "set_deterministic_debug_mode",
    "set_float32_matmul_precision", "set_flush_denormal", "set_num_interop_threads",
    "set_warn_always", "use_deterministic_algorithms",
]  # fmt: skip


class _Settings:
    deterministic = warn_only = warn_always = False
    precision = "highest"
    interop: int | None = None


_now = _Settings()
_warned: set[str] = set()
HOME = os.path.dirname(os.path.abspath(__file__)) + os.sep


def warn_once(message: str) -> None:
    """Warn the library's caller, as torch does: the first time only, unless asked to warn always."""
    if message in _warned and not _now.warn_always:
        return
    _warned.add(message)
    warn_caller(message)


def warn_caller(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn, and let the warning name the line of the program that called the library."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(HOME):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, level)


# ---- where and what --------------------------------------------------------------------------------


def get_default_device() -> device:
    """The CPU."""
    return CPU


def set_default_device(device: Any) -> None:
    """Accept the CPU, or None for the default.  Any other device is refused as its use would be."""
    check_device(device)


def set_default_tensor_type(t: Any) -> None:
    """Make `t` (a type such as torch.DoubleTensor, or its name) what `get_default_dtype` goes by."""
    warn_once(
        "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use "
        "torch.set_default_dtype() and torch.set_default_device() as alternatives."
    )
    legacy = {kind.legacy: kind for kind in dtypes.ALL}
    name = t if isinstance(t, str) else getattr(t, "__name__", None)
    if isinstance(t, str):
        module, _, name = t.rpartition(".")
        if name not in legacy:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
    kind = legacy.get(name or "")
    if kind is None:
        raise TypeError("invalid type object: only floating-point types are supported as the default type")
    if kind.category != dtypes.FLOATING:
        raise TypeError("only floating-point types are supported as the default type")
    dtypes.set_default_dtype(kind)


# ---- determinism -----------------------------------------------------------------------------------


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Note the wish; every op here is deterministic."""
    for argument, value in (("mode", mode), ("warn_only", warn_only)):
        if not isinstance(value, bool):
            raise TypeError(
                f"_set_deterministic_algorithms(): argument '{argument}' must be bool, "
                f"not {type(value).__name__}"
            )
    _now.deterministic, _now.warn_only = mode, warn_only


def are_deterministic_algorithms_enabled() -> bool:
    return _now.deterministic


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    return _now.warn_only


_DEBUG_MODES = {"default": 0, "warn": 1, "error": 2}


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """0 or "default", 1 or "warn", 2 or "error": another way to say `use_deterministic_algorithms`."""
    if not isinstance(debug_mode, (int, str)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if isinstance(debug_mode, str):
        if debug_mode not in _DEBUG_MODES:
            raise RuntimeError(
                "invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got "
                f"{debug_mode}"
            )
        debug_mode = _DEBUG_MODES[debug_mode]
    if debug_mode not in (0, 1, 2):
        raise RuntimeError(
            f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}"
        )
    use_deterministic_algorithms(debug_mode > 0, warn_only=debug_mode == 1)


def get_deterministic_debug_mode() -> int:
    """0, 1 (only warn) or 2."""
    return (1 if _now.warn_only else 2) if _now.deterministic else 0


# ---- precision, threads, warnings ------------------------------------------------------------------


def get_float32_matmul_precision() -> str:
    return _now.precision


def set_float32_matmul_precision(precision: str) -> None:
    """Note "highest", "high" or "medium"; products here always have the highest."""
    if precision in ("highest", "high", "medium"):
        _now.precision = precision


def get_num_interop_threads() -> int:
    """The number set, or of processors.  Ops here do not run beside each other."""
    return _now.interop or os.cpu_count() or 1


def set_num_interop_threads(num: int) -> None:
    """Note the number, once.  Raises RuntimeError the second time, and for none or fewer."""
    if num <= 0:
        raise RuntimeError("set_num_interop_threads expects a positive integer")
    if _now.interop is not None:
        raise RuntimeError(
            "Error: cannot set number of interop threads after parallel work has started or "
            "set_num_interop_threads called"
        )
    _now.interop = num


def set_flush_denormal(mode: bool) -> bool:
    """Whether the wish was granted: denormal numbers are never flushed here."""
    return not mode


def is_warn_always_enabled() -> bool:
    return _now.warn_always


def set_warn_always(mode: bool, /) -> None:
    """Note whether warnings should be repeated; Python's own filters decide here."""
    _now.warn_always = bool(mode)
