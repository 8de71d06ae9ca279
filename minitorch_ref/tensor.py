"""Tensor: a NumPy array, and what autograd needs to know about it.

What every operation asks for has a slot, which is read in a fifth of the time that a class's default
takes; an instance stores the rest only where it differs from the defaults below.  The array is always an
`ndarray`, also for 0-d results: a NumPy scalar could not be viewed or written in place.

Operations are not defined here: each op of `ops/` attaches itself as a method (see
`ops/registry.py`).  This file has the parts that every layer above needs: shape and memory layout,
and Python's protocols; `bridges.py` has copying, pickling, NumPy and DLPack.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from . import dtypes
from .autograd.modes import inferring, state
from .device import CPU, check_device, device
from .kernels.layout import exact, lies_in_order, strides_of
from .layout import layout, strided
from .settings import warn_once

if TYPE_CHECKING:
    from .autograd.graph import Node

    class Operator:
        """How type checkers see `a ∘ b`; ops/operators.py defines it."""

        def __call__(self, other: Any) -> Tensor: ...

    class Sign:
        """How type checkers see `-a`."""

        def __call__(self) -> Tensor: ...

_new, _ndarray = object.__new__, np.ndarray


class _NoVersion(list):  # type: ignore[type-arg]
    """The version counter of tensors made in inference mode: it does not count."""

    def __setitem__(self, index: Any, value: Any) -> None:
        pass


NO_VERSION = _NoVersion([0])


class Size(tuple):
    """The shape of a tensor: a tuple of ints that prints and counts as torch's does."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"

    def numel(self) -> int:
        """The number of elements of a tensor of this shape."""
        total = 1
        for n in self:
            total *= n
        return total

    def __getitem__(self, index: Any) -> Any:
        item = tuple.__getitem__(self, index)
        return Size(item) if isinstance(index, slice) else item

    def __add__(self, other: Any) -> Any:
        return Size(tuple.__add__(self, tuple(other)))

    def __radd__(self, other: Any) -> Any:
        return Size(tuple.__add__(tuple(other), tuple(self)))

    def __mul__(self, times: Any) -> Any:
        return Size(tuple.__mul__(self, times))

    __rmul__ = __mul__

    def __reduce__(self) -> Any:
        return Size, (tuple(self),)


class Tensor:
    """A strided array of one dtype that can take part in a graph of operations."""

    __slots__ = ("_array", "_requires_grad", "_node", "_nr", "_cell", "_base", "__dict__", "__weakref__")

    # ---- what autograd knows: the slots, which `blank` fills ---------------------------------------
    _array: np.ndarray
    _requires_grad: bool
    _node: Node | None  # the operation that made this tensor
    _nr: int  # which of the node's outputs it is
    _cell: list[int] | None  # version counter, one cell for all tensors sharing memory
    _base: Tensor | None  # a view's base tensor (never a view itself)

    # ---- and what an instance overrides when it has something to say --------------------------------
    _grad: Tensor | None = None  # the gradient accumulated into a leaf
    _leaf: Any = None  # weak reference to a leaf's AccumulateGrad node
    _root: np.ndarray | None = None  # the array whose memory a view looks into; None: its own
    _seen: int = 0  # the version at which a view's node was last valid
    _kind: str | None = None  # how a view was made, if writing to it is restricted
    _hooks: Any = None  # a leaf's hooks, run on its gradient before it is accumulated
    _post_hooks: Any = None  # a leaf's hooks, run after
    _inference: bool = False  # made in inference mode
    __array_priority__ = 1000

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls._construct(args, kwargs) if cls is Tensor else blank(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """`Tensor(2, 3)` or `Tensor([1, 2])`: torch's legacy constructor (see ops/from_data.py)."""

    if TYPE_CHECKING:  # what the layers above attach
        _construct: Any
        requires_grad: bool
        retains_grad: bool
        grad_fn: Node | None
        T: Tensor
        mT: Tensor
        H: Tensor
        mH: Tensor
        real: Tensor
        imag: Tensor
        __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = Operator()
        __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = Operator()
        __pow__ = __rpow__ = __matmul__ = __rmatmul__ = Operator()
        __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = Operator()
        __lt__ = __le__ = __gt__ = __ge__ = Operator()
        __neg__ = __pos__ = __abs__ = __invert__ = Sign()

        def __eq__(self, other: object) -> Tensor: ...  # type: ignore[override]

        def __ne__(self, other: object) -> Tensor: ...  # type: ignore[override]

        def __getitem__(self, index: Any) -> Tensor: ...

        def __setitem__(self, index: Any, value: Any) -> None: ...

        def __getattr__(self, name: str) -> Any: ...

    # ---- shape and layout ----------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        return Size(self._array.shape)

    @property
    def ndim(self) -> int:
        return self._array.ndim

    @property
    def dtype(self) -> dtypes.dtype:
        return dtypes.BY_CHAR[self._array.dtype.char]

    @property
    def device(self) -> device:
        return CPU

    @property
    def layout(self) -> layout:
        return strided

    @property
    def itemsize(self) -> int:
        return self._array.itemsize

    @property
    def nbytes(self) -> int:
        return self._array.nbytes

    is_cuda = is_sparse = is_quantized = is_meta = is_mps = is_mkldnn = False
    names = property(lambda self: (None,) * self.ndim)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the length of one dim."""
        if dim is None:
            return self.shape
        return self._array.shape[wrap_dim(dim, self.ndim)]

    def dim(self) -> int:
        return self._array.ndim

    ndimension = dim

    def numel(self) -> int:
        return self._array.size

    nelement = numel

    def element_size(self) -> int:
        return self._array.itemsize

    def stride(self, dim: int | None = None) -> Any:
        """Steps in elements (torch's unit, not bytes) from one index to the next, per dim."""
        steps = strides_of(self._array if self._array.size else settled(self))
        return steps if dim is None else steps[wrap_dim(dim, self.ndim)]

    def storage_offset(self) -> int:
        """Where this tensor begins in its storage, in elements."""
        if self._root is None:
            return 0
        return (address(self._array) - address(self._root)) // self._array.itemsize

    def data_ptr(self) -> int:
        """The address of the first element; 0 for an empty tensor."""
        return address(self._array) if self._array.size else 0

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Whether the elements lie in memory in row-major (or channels_last) order."""
        if memory_format is not None and memory_format.order is not None:
            if self.ndim != len(memory_format.order):
                return False
            own = self._array if self._array.size else settled(self)
            return lies_in_order(own, memory_format.order)
        return self._array.flags.c_contiguous

    def is_floating_point(self) -> bool:
        return self._array.dtype.kind == "f"

    def is_complex(self) -> bool:
        return self._array.dtype.kind == "c"

    def is_signed(self) -> bool:
        return self.dtype.is_signed

    def is_inference(self) -> bool:
        return self._inference

    def is_pinned(self, device: Any = None) -> bool:
        return False

    def get_device(self) -> int:
        return -1

    def _is_view(self) -> bool:
        return self._base is not None

    def _storage_array(self) -> np.ndarray:
        """The whole storage as a flat array; writing to it writes to every view of it."""
        root = self._array if self._root is None else self._root
        if root.ndim == 1 and root.flags.c_contiguous:
            return root
        # The memory from the first element to the last one that any index reaches.
        span = 1 + sum((n - 1) * s for n, s in zip(root.shape, root.strides)) // root.itemsize
        span = span if root.size else 0
        return np.lib.stride_tricks.as_strided(root, (span,), (root.itemsize,))

    # ---- autograd's public face (the engine attaches backward, hooks, grad_fn) --------------------

    @property
    def is_leaf(self) -> bool:
        return self.grad_fn is None

    @property
    def grad(self) -> Tensor | None:
        """The gradient accumulated by `backward`; None before the first."""
        if self._grad is None and self._node is not None and not self.retains_grad:
            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its "
                ".grad attribute won't be populated during autograd.backward(). If you indeed want "
                "the .grad field to be populated for a non-leaf Tensor, use .retain_grad() on the "
                "non-leaf Tensor.",
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(
                    f"assigned grad expected to be a Tensor or None but got grad of type "
                    f"{type(value).__name__}"
                )
            if value is self:
                raise RuntimeError("can't assign Variable as its own grad")
            if value._array.dtype != self._array.dtype:
                raise RuntimeError(
                    f"assigned grad has data of a different type: expected {self.dtype!r}, "
                    f"got {value.dtype!r}"
                )
            if value._array.shape != self._array.shape:
                raise RuntimeError(
                    f"assigned grad has data of a different size: expected {self.shape}, "
                    f"got {value.shape}"
                )
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def _version(self) -> int:
        if self._inference:
            raise RuntimeError("Inference tensors do not track version counter.")
        return 0 if self._cell is None else self._cell[0]

    @property
    def data(self) -> Tensor:
        """The same memory without history, and with a version counter of its own."""
        twin = wrap(self._array)
        twin._root = self._array if self._root is None else self._root
        return twin

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self._requires_grad and value.dtype.category < dtypes.FLOATING:
            raise RuntimeError(
                "data set to a tensor that requires gradients must be floating point or complex dtype"
            )
        self._array, self._root = value._array, value._root

    # ---- Python's protocols --------------------------------------------------------------------

    def item(self) -> Any:
        """The one element as a Python number.  Raises RuntimeError if there is not exactly one."""
        if self._array.size != 1:
            raise RuntimeError(
                f"a Tensor with {self._array.size} elements cannot be converted to Scalar"
            )
        return self._array.item()

    def tolist(self) -> Any:
        """Nested lists of Python numbers (a number for a 0-d tensor)."""
        return self._array.tolist()

    def __bool__(self) -> bool:
        if self._array.size != 1:
            what = "no values" if self._array.size == 0 else "more than one value"
            raise RuntimeError(f"Boolean value of Tensor with {what} is ambiguous")
        return bool(self._array)

    def _scalar(self, warns: bool = True) -> Any:
        if self._array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        if warns and self.requires_grad:
            warn_once(
                "Converting a tensor with requires_grad=True to a scalar may lead to unexpected "
                "behavior.\nConsider using tensor.detach() first."
            )
        return self._array.item()

    def __float__(self) -> float:
        return float(self._scalar())

    def __int__(self) -> int:
        return int(self._scalar(warns=False))

    def __complex__(self) -> complex:
        return complex(self._scalar())

    def __index__(self) -> int:
        if self._array.size != 1 or self._array.dtype.kind not in "iu?b":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._array.item())

    def __len__(self) -> int:
        if self._array.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self._array.shape[0]

    def __iter__(self) -> Any:
        if self._array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __reversed__(self) -> Tensor:
        return self if self._array.ndim == 0 else self.flip(0)

    def __contains__(self, element: Any) -> bool:
        if isinstance(element, (Tensor, bool, int, float, complex, np.generic)):
            return bool((self == element).any().item())
        raise RuntimeError(
            f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
        )

    __hash__ = object.__hash__  # by identity: == compares elements

    def __format__(self, spec: str) -> str:
        if self._array.ndim == 0:
            return format(self._array.item(), spec)
        return object.__format__(self, spec)

    def __dir__(self) -> list[str]:
        return sorted(set(dir(type(self))) | set(self.__dict__))

    def cpu(self, memory_format: Any = None) -> Tensor:
        return self

    def cuda(self, device: Any = None, non_blocking: bool = False) -> Tensor:
        check_device("cuda" if device is None else device)
        return self

    def pin_memory(self, device: Any = None) -> Tensor:
        return self


def blank(cls: Any) -> Any:
    """A tensor of class `cls` that has no array yet, and no history."""
    tensor = _new(cls)
    tensor._requires_grad, tensor._node, tensor._nr, tensor._cell, tensor._base = PLAIN
    return tensor


PLAIN: Any = (False, None, 0, None, None)  # what the slots say of a tensor without history


def wrap(array: np.ndarray) -> Tensor:
    """A new tensor around `array`: no copy, no history.  (`blank`, written out: it is made for every op.)"""
    tensor: Tensor = _new(Tensor)
    tensor._array = array if type(array) is _ndarray else np.asarray(array)
    tensor._requires_grad = False
    tensor._node = None
    tensor._nr = 0
    tensor._cell = None
    tensor._base = None
    if inferring and state.inference:
        tensor._inference, tensor._cell = True, NO_VERSION
    return tensor


def address(array: np.ndarray) -> int:
    """The address of an array's first element."""
    return array.__array_interface__["data"][0]


def settled(tensor: Tensor) -> np.ndarray:
    """The array of a tensor without elements, with torch's strides: asked for before a view is made."""
    array = tensor._array
    if tensor._root is None or tensor._root is array:
        tensor._array = array = exact(array)
    return array


def wrap_dim(dim: int, ndim: int) -> int:
    """`dim` counted from the front.  Raises IndexError if it is out of range."""
    room = max(ndim, 1)
    if not -room <= dim < room:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-room}, {room - 1}], but got {dim})"
        )
    return dim + room if dim < 0 else dim
