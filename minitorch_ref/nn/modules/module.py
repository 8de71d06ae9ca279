"""Module: a tree of layers that knows its parameters.

The one idea: *assigning is registering*.  `self.weight = Parameter(...)` goes into `_parameters`,
`self.conv = Conv2d(...)` into `_modules`, a buffer into `_buffers`; everything else is a plain
attribute.  All that a module can do (list its parameters, move, train, print itself, save itself)
is a walk over these three dictionaries.

The walks are in tree.py, `forward` and its hooks in hooks.py, saving and loading in state.py.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Self

from ...autograd.modes import no_grad
from ...device import device as Device
from ...dtypes import dtype as DType
from ...ops.creation import empty_like
from ...tensor import Tensor
from ..parameter import Buffer, Parameter
from . import global_hooks
from .global_hooks import registered
from .hooks import HookedCall
from .state import StateDict
from .tree import Tree

# torch has the hooks on all modules here
globals().update({n: f for n, f in vars(global_hooks).items() if n.startswith("register_module_")})

_HOOKS = (
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_backward_pre_hooks",
    "_backward_hooks",
    "_state_dict_pre_hooks",
    "_state_dict_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)


def typename(value: Any) -> str:
    """The name torch's messages give the type of `value`: 'int', 'torch.FloatTensor', ..."""
    if isinstance(value, Tensor):
        return value.type()
    kind = value if isinstance(value, type) else type(value)
    home = getattr(kind, "__module__", "builtins")
    return kind.__qualname__ if home == "builtins" else f"{home}.{kind.__qualname__}"

_COMPLEX = (
    "Complex modules are a new feature under active development whose design may change, and some "
    "modules might not work as expected when using complex tensors as parameters or buffers. Please "
    "file an issue at https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml if a "
    "complex module does not work as expected."
)


class Module(Tree, HookedCall, StateDict):
    """The base class of all layers and models; a subclass defines `forward`.

    A subclass's `__init__` calls `super().__init__()` before it assigns parameters or layers.
    """

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        name = type(self).__name__
        if kwargs:
            unexpected = next(iter(kwargs))
            raise TypeError(f"{name}.__init__() got an unexpected keyword argument '{unexpected}'")
        if args:
            raise TypeError(
                f"{name}.__init__() takes 1 positional argument but {len(args) + 1} were given"
            )
        # Straight into __dict__: __setattr__ below relies on these being there.
        self.__dict__.update(
            training=True,
            _parameters={},
            _buffers={},
            _modules={},
            _non_persistent_buffers_set=set(),
        )
        self.__dict__.update((hooks, OrderedDict()) for hooks in _HOOKS)

    def forward(self, *input: Any) -> Any:
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    # ---- attributes ------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        """Called for what is no plain attribute: look among the registered ones."""
        own = self.__dict__
        if "_parameters" in own:  # written out: layers read their weights at every call
            if name in own["_parameters"]:
                return own["_parameters"][name]
            if name in own["_modules"]:
                return own["_modules"][name]
            if name in own["_buffers"]:
                return own["_buffers"][name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        ready = "_parameters" in own  # has Module.__init__ run?
        if isinstance(value, Parameter):
            self._release(name, "parameters", keep="_parameters")
            self.register_parameter(name, value)
        elif ready and name in own["_parameters"]:
            _must_be_none(value, "parameter", name, "torch.nn.Parameter or None expected")
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            self._release(name, "module", keep="_modules")
            self._modules[name] = registered(self, "module", name, value)
        elif ready and name in own["_modules"]:
            _must_be_none(value, "child module", name, "torch.nn.Module or None expected")
            self._modules[name] = registered(self, "module", name, value)
        elif isinstance(value, Buffer):
            self.register_buffer(name, value, value.persistent)
        elif ready and name in own["_buffers"]:
            if not isinstance(value, Tensor):
                expected = "torch.nn.Buffer, torch.Tensor or None expected"
                _must_be_none(value, "buffer", name, expected)
            self.register_buffer(name, value, name not in self._non_persistent_buffers_set)
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        for members in (self._parameters, self._buffers, self._modules):
            if name in members:
                del members[name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        members = [*self._parameters, *self._modules, *self._buffers]
        names = [*dir(type(self)), *self.__dict__, *members]
        return sorted(name for name in names if not name[0].isdigit())

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def _release(self, name: str, what: str, keep: str) -> None:
        """Forget what else is called `name`, before it is registered in `keep`."""
        own = self.__dict__
        if "_parameters" not in own:
            raise AttributeError(f"cannot assign {what} before Module.__init__() call")
        own.pop(name, None)
        for kind in {"_parameters", "_buffers", "_modules"} - {keep}:
            own[kind].pop(name, None)
        self._non_persistent_buffers_set.discard(name)

    def _check_name(self, name: Any, kind: str, members: Any) -> None:
        """Refuse what cannot be a path's part in a state dict, or is another attribute's name."""
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {typename(name)}")
        if "." in name:
            got = f", got: {name}" if kind == "module" else ""
            raise KeyError(f'{kind} name can\'t contain "."{got}')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and name not in members:
            raise KeyError(f"attribute '{name}' already exists")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter; None reserves the name (as `bias=False` does)."""
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        self._check_name(name, "parameter", self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{typename(param)}' object to parameter '{name}' "
                "(torch.nn.Parameter or None required)"
            )
        if param is not None and param.grad_fn:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be "
                f"created explicitly. To express '{name}' as a function of another Tensor, compute "
                "the value in the forward() method."
            )
        if param is not None:
            param = registered(self, "parameter", name, param)
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add state that is not trained; `persistent`: it belongs to the state dict."""
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        self._check_name(name, "buffer", self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{typename(tensor)}' object to buffer '{name}' "
                "(torch Tensor or None required)"
            )
        self._buffers[name] = registered(self, "buffer", name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a child; unlike an assignment, `name` may be a digit."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{typename(module)} is not a Module subclass")
        self._check_name(name, "module", self._modules)
        self._modules[name] = registered(self, "module", name, module)

    def register_module(self, name: str, module: Module | None) -> None:
        """`add_module` by another name."""
        self.add_module(name, module)

    # ---- changing the whole tree -----------------------------------------------------------------

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call `fn` on every module below, children first, then on this one."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Switch dropout, batch normalization and the like to training."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        """Switch to evaluation: `train(False)`."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Train these parameters, or freeze them."""
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the parameters' gradients, or set them to zero."""
        for param in self.parameters():
            if set_to_none:
                param.grad = None
            elif param.grad is not None:
                param.grad.detach_().zero_()  # made with create_graph, it has a graph to let go

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Replace the data of every parameter, its gradient, and every buffer `t` by `fn(t)`.

        Parameters stay the same objects, so an optimizer made before keeps working.
        """
        if recurse:
            for module in self.children():
                module._apply(fn, recurse)
        with no_grad():
            for param in self._parameters.values():
                if param is not None:
                    grad = param.grad
                    param.data = fn(param)
                    if grad is not None:
                        grad.data = fn(grad)
            for name, buffer in self._buffers.items():
                if buffer is not None:
                    self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """`to(dtype)`, `to(device)`, `to(device, dtype)`, `to(tensor)`: move and cast in place.

        Only floating-point and complex parameters and buffers are cast.
        """
        where, dtype, layout = _parse_to(args, kwargs)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                "nn.Module.to only accepts floating point or complex dtypes, but got desired "
                f"dtype={dtype}"
            )

        if dtype is not None and dtype.is_complex:
            warnings.warn(_COMPLEX, stacklevel=2)

        def convert(t: Tensor) -> Tensor:
            cast = dtype if t.is_floating_point() or t.is_complex() else None
            if layout is not None and t.ndim in (4, 5):
                return t.to(where, cast, memory_format=layout)
            return t.to(where, cast)

        return self._apply(convert)

    def type(self, dst_type: Any) -> Self:
        """Cast every parameter and buffer, whatever its dtype."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self) -> Self:
        """Cast floating-point parameters and buffers to float32."""
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self) -> Self:
        """Cast floating-point parameters and buffers to float64."""
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def half(self) -> Self:
        """Cast floating-point parameters and buffers to float16."""
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def bfloat16(self) -> Self:
        """Refused, like every use of bfloat16, if there is anything to cast."""
        return self._apply(lambda t: t.bfloat16() if t.is_floating_point() else t)

    def share_memory(self) -> Self:
        """Nothing to do: a forked worker reads the same memory."""
        return self._apply(lambda t: t.share_memory_())

    def cpu(self) -> Self:
        """Stay where everything is."""
        return self._apply(lambda t: t.cpu())

    def cuda(self, device: Any = None) -> Self:
        """Refused with torch's own error: there is no CUDA here."""
        return self._apply(lambda t: t.cuda(device))

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Uninitialized memory in the place of every parameter and buffer."""
        return self._apply(lambda t: empty_like(t, device=device), recurse)

    # ---- printing --------------------------------------------------------------------------------

    def _get_name(self) -> str:
        return self.__class__.__name__

    def extra_repr(self) -> str:
        """What to print between the parentheses; a layer overrides it."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr().splitlines()
        children = [f"({name}): {indent(repr(m))}" for name, m in self._modules.items()]
        if not children and len(extra) < 2:
            return f"{self._get_name()}({''.join(extra)})"
        return "\n  ".join([f"{self._get_name()}(", *extra, *children]) + "\n)"


def indent(text: str) -> str:
    """All lines but the first two columns further right."""
    first, *rest = text.split("\n")
    return "\n".join([first, *[f"  {line}" if line.strip() else "" for line in rest]])


def _must_be_none(value: Any, kind: str, name: str, expected: str) -> None:
    if value is not None:
        raise TypeError(f"cannot assign '{typename(value)}' as {kind} '{name}' ({expected})")


def _parse_to(args: Any, kwargs: Any) -> tuple[Device | None, DType | None, Any]:
    """The (device, dtype, memory format) that the arguments of `Module.to` name."""
    where, dtype = kwargs.pop("device", None), kwargs.pop("dtype", None)
    layout, other = kwargs.pop("memory_format", None), kwargs.pop("tensor", None)
    kwargs.pop("non_blocking", None)
    for value in (*args, other):
        if isinstance(value, Tensor):
            where, dtype = value.device, value.dtype
        elif isinstance(value, DType):
            dtype = value
        elif isinstance(value, (str, Device)) or type(value) is int:
            where = value
        elif value is not None and not isinstance(value, bool):  # a bool is non_blocking
            raise TypeError(f"to() received an invalid argument: {value!r}")
    if kwargs:
        raise TypeError(f"to() got an unexpected keyword argument '{next(iter(kwargs))}'")
    return (None if where is None else Device(where)), dtype, layout
