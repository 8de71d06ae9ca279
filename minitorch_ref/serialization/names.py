"""What the names in a file stand for: the complete table of what loading can build.

The idea: a pickle names functions and classes to call.  Here each name stands for a function of
this file, which checks its arguments and builds a value; a name that is not in `GLOBALS` is an
error, unless the program has approved it (`approved.py`).  Nothing is imported for a file.
"""

from __future__ import annotations

import pickle
from collections import Counter, OrderedDict
from typing import Any

from .. import dtypes
from ..device import device
from ..tensor import Size, Tensor
from .function import Approved, Function, expect
from .module_names import find
from .numpy_names import NUMPY
from .storage import STORAGE_NAMES, Storage, rebuilt

_BLOCKED_MODULES = ("sys", "os", "posix", "nt")
_PYTHON2_NAMES = {"__builtin__": "builtins"}


class StorageType:
    """`torch.FloatStorage` and its like: names a dtype inside a storage's id."""

    def __init__(self, dtype: dtypes.dtype) -> None:
        self.dtype = dtype


def _rebuild_tensor(storage: Storage, offset: int, size: tuple, stride: tuple) -> Tensor:
    expect(isinstance(storage, Storage), "tensor: it has no storage")
    expect(isinstance(size, tuple) and isinstance(stride, tuple), "tensor: no size or stride")
    try:
        return rebuilt(storage, offset, tuple(size), tuple(stride))
    except ValueError as error:
        raise pickle.UnpicklingError(str(error)) from None


def _rebuild_tensor_v2(
    storage: Storage, offset: int, size: tuple, stride: tuple,
    requires_grad: bool, hooks: Any, metadata: Any = None,
) -> Tensor:  # fmt: skip
    tensor = _rebuild_tensor(storage, offset, size, stride)
    expect(metadata is None or isinstance(metadata, dict), "tensor metadata")
    for flag, apply in (("conj", "conj"), ("neg", "__neg__")):  # lazy bits in torch, done here
        if metadata and metadata.get(flag):
            tensor = getattr(tensor, apply)()
    if requires_grad:
        expect(tensor.dtype.category >= dtypes.FLOATING, "tensor: integers cannot require grad")
        tensor.requires_grad = True
    return tensor


def _rebuild_tensor_v3(
    storage: Storage, offset: int, size: tuple, stride: tuple,
    requires_grad: bool, hooks: Any, dtype: dtypes.dtype, metadata: Any = None,
) -> Tensor:  # fmt: skip
    expect(isinstance(storage, Storage) and isinstance(dtype, dtypes.dtype), "tensor")
    whole = storage.array[: storage.nbytes() // dtype.itemsize * dtype.itemsize]
    typed = Storage(whole.view(dtype.np), dtype)
    return _rebuild_tensor_v2(typed, offset, size, stride, requires_grad, hooks, metadata)


def _rebuild_parameter(data: Tensor, requires_grad: bool, hooks: Any) -> Tensor:
    from ..nn.parameter import Parameter

    expect(isinstance(data, Tensor), "parameter")
    return Parameter(data, bool(requires_grad))


def _rebuild_parameter_with_state(
    data: Tensor, requires_grad: bool, hooks: Any, state: Any
) -> Tensor:
    return _with_state(_rebuild_parameter(data, requires_grad, hooks), state)


def _rebuild_from_type(function: Function, kind: Any, arguments: tuple, state: Any) -> Tensor:
    expect(isinstance(function, Function) and "_rebuild_" in function.name, "tensor")
    tensor = function.build(*arguments)
    if isinstance(kind, Function) and kind.name.endswith("Parameter"):
        tensor = _rebuild_parameter(tensor, tensor.requires_grad, None)
    return _with_state(tensor, state)


def _with_state(tensor: Tensor, state: Any) -> Tensor:
    """Restore the attributes a user had set on a tensor, none that the tensor itself relies on."""
    expect(isinstance(tensor, Tensor) and isinstance(state, (dict, type(None))), "tensor state")
    for name, value in (state or {}).items():
        own = isinstance(name, str) and not name.startswith("_")
        expect(
            own and not hasattr(type(tensor), name),
            f"tensor state: attribute {name!r} cannot be set",
        )
        tensor.__dict__[name] = value
    return tensor


def _not_callable(*arguments: Any) -> Any:
    raise pickle.UnpicklingError("malformed: a tensor class is called")


def _size(numbers: Any) -> Size:
    expect(isinstance(numbers, tuple) and all(type(n) is int for n in numbers), "torch.Size")
    return Size(numbers)


def _device(kind: Any, index: Any = None) -> device:
    expect(isinstance(kind, str) and isinstance(index, (int, type(None))), "torch.device")
    try:
        return device(kind, index)
    except RuntimeError as error:
        raise pickle.UnpicklingError(str(error)) from None


def _encode(text: Any, encoding: Any) -> bytes:
    expect(isinstance(text, str) and encoding in ("latin1", "latin-1"), "bytes")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    return b""


def _bytearray(text: Any = "", encoding: Any = "latin-1") -> bytearray:
    return bytearray(text) if isinstance(text, bytes) else bytearray(_encode(text, encoding))


def _complex(real: Any, imag: Any) -> complex:
    expect(isinstance(real, (int, float)) and isinstance(imag, (int, float)), "complex number")
    return complex(real, imag)


def as_set(items: Any = ()) -> set:
    expect(isinstance(items, (list, tuple)), "set")
    return {as_key(item) for item in items}


def _ordered_dict(pairs: Any = ()) -> OrderedDict:
    expect(isinstance(pairs, (list, tuple)), "OrderedDict")
    return OrderedDict((as_key(key), value) for key, value in pairs)


def as_key(item: Any) -> Any:
    """`item` as a key.  Hashing a deeply nested or widely shared tuple could overflow the C stack
    or never end, so a key may hold a thousand parts."""
    parts, pending = 0, [item]
    while pending:
        part = pending.pop()
        if isinstance(part, tuple):
            pending.extend(part)
        parts += 1
        expect(parts + len(pending) <= 1000, "key: it has too many parts")
    return item


def _counter(counts: Any = None) -> Counter:
    expect(isinstance(counts, (dict, type(None))), "Counter")
    return Counter(counts)


_CALLABLE = {
    "torch._utils._rebuild_tensor": _rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": _rebuild_tensor_v2,
    "torch._utils._rebuild_tensor_v3": _rebuild_tensor_v3,
    "torch._utils._rebuild_parameter": _rebuild_parameter,
    "torch._utils._rebuild_parameter_with_state": _rebuild_parameter_with_state,
    "torch._tensor._rebuild_from_type_v2": _rebuild_from_type,
    "torch.nn.parameter.Parameter": _not_callable,
    "torch.Tensor": _not_callable,
    "torch._tensor.Tensor": _not_callable,
    "torch.Size": _size,
    "torch.device": _device,
    "_codecs.encode": _encode,
    "builtins.bytes": _no_bytes,
    "builtins.bytearray": _bytearray,
    "builtins.complex": _complex,
    "builtins.set": as_set,
    "collections.OrderedDict": _ordered_dict,
    "collections.Counter": _counter,
}
GLOBALS: dict[str, Any] = {name: Function(name, build) for name, build in _CALLABLE.items()}  # type: ignore[arg-type]
GLOBALS.update({f"torch.{d.name}": d for d in (*dtypes.ALL, dtypes.bfloat16)})
GLOBALS.update({f"torch.{name}": StorageType(d) for name, d in STORAGE_NAMES.items()})
GLOBALS["torch.storage.UntypedStorage"] = StorageType(dtypes.uint8)
GLOBALS["torch.UntypedStorage"] = StorageType(dtypes.uint8)
GLOBALS["torch.BFloat16Storage"] = StorageType(dtypes.bfloat16)


def lookup(module: str, name: str, approved: dict[str, Any], more: bool) -> Any:
    """What a global in the file stands for.

    UnpicklingError for a name that is neither in GLOBALS nor among the `approved`; with `more` all
    of NumPy's count as approved, and classes of modules may be named.
    """
    module = _PYTHON2_NAMES.get(module, module)
    path = f"{module}.{name}"
    if path in GLOBALS:
        return GLOBALS[path]
    if module in _BLOCKED_MODULES:
        raise pickle.UnpicklingError(
            f"Trying to load unsupported GLOBAL {path} whose module {module} is blocked."
        )
    if path in NUMPY and (more or path in approved):
        return NUMPY[path]
    if path in approved:
        return Approved(path, approved[path])
    if more and (found := find(module, name)) is not None:
        return found
    if module == "torch":
        raise pickle.UnpicklingError(f"{path} is nothing that this engine has")
    raise pickle.UnpicklingError(
        f"Unsupported global: GLOBAL {path} was not an allowed global by default. "
        f"Please use `torch.serialization.add_safe_globals([{path}])` or the "
        f"`torch.serialization.safe_globals([{path}])` context manager to allowlist this global "
        "if you trust this class/function."
    )
