"""How tensors leave and enter: copying and pickling, NumPy's protocols, DLPack.

The functions below become methods of Tensor under the same names (see the end of the file).
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from .dtypes import BY_CHAR
from .tensor import Tensor, address, blank, wrap

# What deepcopy and pickle carry over themselves; all other attributes are the user's own.
_INTERNAL = frozenset([
    "_grad", "_leaf", "_root", "_seen", "_kind", "_hooks", "_inference", "_post_hooks",
])  # fmt: skip


def _rebuild(cls: type, array: np.ndarray, requires_grad: bool, own: dict[str, Any]) -> Any:
    tensor: Any = blank(cls)
    tensor._array, tensor._requires_grad = array, requires_grad
    tensor.__dict__.update(own)
    return tensor


def __deepcopy__(self: Tensor, memo: dict[int, Any]) -> Tensor:
    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
            "protocol at the moment.  If you were attempting to deepcopy a module, this may be "
            "because of a torch.nn.utils.weight_norm usage, see "
            "https://github.com/pytorch/pytorch/pull/103001"
        )
    if id(self) in memo:
        return memo[id(self)]
    twin = blank(type(self))
    twin._array, twin._root = self._copy_storage(memo)
    twin._requires_grad = self._requires_grad
    memo[id(self)] = twin
    if self._grad is not None:
        twin._grad = copy.deepcopy(self._grad, memo)
    own = {k: v for k, v in self.__dict__.items() if k not in _INTERNAL}
    twin.__dict__.update(copy.deepcopy(own, memo))
    return twin


def _copy_storage(self: Tensor, memo: dict[int, Any]) -> tuple[np.ndarray, np.ndarray]:
    """A deep copy's array: tensors that shared a storage share the copied storage."""
    storage = self._storage_array()
    key = ("storage", address(storage), storage.size)
    flat = memo.get(key)  # type: ignore[call-overload]
    if flat is None:
        flat = memo[key] = storage.copy()  # type: ignore[index]
    start = self.storage_offset()
    array = np.lib.stride_tricks.as_strided(
        flat[start:], self._array.shape, self._array.strides
    )
    return array, flat


def __reduce_ex__(self: Tensor, protocol: Any) -> Any:
    if not self.is_leaf:
        raise RuntimeError(
            "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd "
            "does not support crossing process boundaries.  If you just want to transfer the "
            "data, call detach() on the tensor before serializing (e.g., putting it on the queue)."
        )
    own = {k: v for k, v in self.__dict__.items() if k not in _INTERNAL}
    return _rebuild, (type(self), np.ascontiguousarray(self._array).reshape(self._array.shape),
                      self._requires_grad, own)  # fmt: skip


def numpy(self: Tensor, *, force: bool = False) -> np.ndarray:
    """The tensor's memory as a NumPy array (no copy).

    Raises RuntimeError for a tensor that requires grad, unless `force`.
    """
    if self.requires_grad and not force:
        raise RuntimeError(
            "Can't call numpy() on Tensor that requires grad. "
            "Use tensor.detach().numpy() instead."
        )
    return self._array


def __array__(self: Tensor, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
    array = self.numpy()
    if dtype is None or array.dtype == dtype:
        return array.copy() if copy else array
    return array.astype(dtype, copy=False)


def __array_wrap__(self: Tensor, array: np.ndarray, context: Any = None, scalar: bool = False) -> Tensor:
    array = np.asarray(array)
    return wrap(array if array.dtype.char in BY_CHAR else array.astype(np.float64))


def __dlpack__(self: Tensor, *, stream: Any = None, **keywords: Any) -> Any:
    if self.requires_grad:
        raise BufferError(
            "Can't export tensors that require gradient, use tensor.detach()"
        )
    return self._array.__dlpack__(**keywords)


def __dlpack_device__(self: Tensor) -> tuple[int, int]:
    return self._array.__dlpack_device__()


for _method in (
    __deepcopy__, _copy_storage, __reduce_ex__, numpy, __array__, __array_wrap__, __dlpack__,
    __dlpack_device__,
):  # fmt: skip
    setattr(Tensor, _method.__name__, _method)
