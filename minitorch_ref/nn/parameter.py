"""Parameter: a tensor that a Module counts among what it trains; Buffer: one it keeps but does not.

Both are marks, not new kinds of tensor: operations on them return plain tensors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd.modes import no_grad
from ..ops.creation import empty
from ..tensor import Tensor


class _Mark(type):
    """`isinstance(t, Parameter)` also holds for a tensor of another class that carries the mark."""

    def __instancecheck__(cls, instance: Any) -> bool:
        mark = cls.__dict__.get("_mark")  # a subclass has no mark: ordinary rules
        return type.__instancecheck__(cls, instance) or (
            mark is not None and mark in getattr(instance, "__dict__", ())
        )


class Parameter(Tensor, metaclass=_Mark):
    """A leaf tensor sharing `data`'s memory, which becomes part of the module it is assigned to.

    Raises RuntimeError if `requires_grad` and the dtype is neither floating point nor complex.
    """

    _mark = "_is_param"

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Any:
        if data is None:
            data = empty(0)
        twin = data.detach()
        if requires_grad and not (twin.is_floating_point() or twin.is_complex()):
            raise RuntimeError(
                "Only Tensors of floating point and complex dtype can require gradients"
            )
        if type(data) is Tensor or isinstance(data, Parameter):
            twin.__class__ = cls
        else:  # a user's own kind of tensor stays what it is
            twin._is_param = True
        return twin.requires_grad_(requires_grad)

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        """Made in `__new__`."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:  # the values alone: no gradient, no hooks
            with no_grad():
                memo[id(self)] = type(self)(self.detach().clone(), self.requires_grad)
        return memo[id(self)]

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()


class Buffer(Tensor, metaclass=_Mark):
    """A plain tensor sharing `data`'s memory, to be registered as a buffer by assignment."""

    _mark = "_is_buffer"

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        if data is None:
            data = empty(0)
        twin = data.detach().requires_grad_(data.requires_grad)
        twin.persistent = persistent
        twin._is_buffer = True
        return twin


class UninitializedTensorMixin:
    """A parameter or buffer that waits for its shape: it may be cast and made, and nothing else."""

    cls_to_become: Any = None

    def materialize(self: Any, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Become an ordinary tensor of this shape, with no values yet."""
        kind = self._array.dtype if dtype is None else dtype.np
        self._array = np.empty(tuple(shape), kind)
        self.__class__ = self.cls_to_become

    @property
    def shape(self) -> Any:
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually "
            "happens in `load_state_dict` when trying to load an uninitialized parameter into an "
            "initialized one. Call `forward` to initialize the parameters before accessing their "
            "attributes."
        )

    def share_memory_(self) -> Any:
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. Call `forward` to "
            "initialize the parameters before calling `module.share_memory()`."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self: Any, protocol: Any) -> Any:
        return type(self), (self.requires_grad,)


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A parameter whose shape is known only when the first input is seen."""

    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:
        made = empty(0, device=device, dtype=dtype)
        made.__class__ = cls
        return made.requires_grad_(requires_grad)

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        """Made in `__new__`."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, self.device, self.dtype)
        return memo[id(self)]


class UninitializedBuffer(UninitializedTensorMixin, Tensor):
    """A buffer whose shape is known only when the first input is seen."""

    cls_to_become = Tensor
    persistent = True

    def __new__(
        cls, requires_grad: bool = False, device: Any = None, dtype: Any = None,
        persistent: bool = True,
    ) -> Any:  # fmt: skip
        made = empty(0, device=device, dtype=dtype)
        made.__class__ = cls
        made.persistent = persistent
        return made.requires_grad_(requires_grad)

    def __init__(
        self, requires_grad: bool = False, device: Any = None, dtype: Any = None,
        persistent: bool = True,
    ) -> None:  # fmt: skip
        """Made in `__new__`."""


def is_lazy(param: Any) -> bool:
    """Whether a parameter or buffer waits for its shape."""
    return isinstance(param, UninitializedTensorMixin)
