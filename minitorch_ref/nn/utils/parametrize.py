"""Parameters that are functions of others: a weight that is always symmetric, orthogonal, of norm 1.

    module.weight  ──property──→  parametrizations.weight:  original → f₁ → f₂ → … → the weight

The trained parameter is `original` (or original0, original1, … if the first function takes several);
reading the attribute computes the functions, assigning to it runs their right inverses backwards.  A
property belongs to a class, so the module gets a subclass of its own.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Sequence
from typing import Any

from ...autograd.modes import no_grad
from ...tensor import Tensor
from ..modules.container import ModuleDict, ModuleList
from ..modules.module import Module
from ..parameter import Parameter

__all__ = [
    "ParametrizationList", "cached", "is_parametrized", "register_parametrization",
    "remove_parametrizations", "transfer_parametrizations_and_params", "type_before_parametrizations",
]  # fmt: skip

_caching = 0
_cache: dict[tuple[int, str], Tensor] = {}


@contextlib.contextmanager
def cached() -> Iterator[None]:
    """Within a `with`, each parametrized tensor is computed once."""
    global _caching
    _caching += 1
    try:
        yield
    finally:
        _caching -= 1
        if not _caching:
            _cache.clear()


def _keep(module: Module, name: str, value: Any) -> None:
    """As a parameter, or else as a buffer."""
    register = module.register_parameter if isinstance(value, Parameter) else module.register_buffer
    register(name, value)


def _same(before: Tensor, after: Tensor, what: str, names: tuple[str, str]) -> None:
    """ValueError unless the dtype and the shape are the same."""
    for attribute in ("dtype", "shape"):
        old, new = getattr(before, attribute), getattr(after, attribute)
        if old != new:
            raise ValueError(
                f"{what} may not change the {attribute} of the tensor, unless the `unsafe` flag is "
                f"enabled.\n{names[0]}.{attribute}: {old}\n{names[1]}.{attribute}: {new}"
            )


def _must_be_tensor(value: Any) -> None:
    if not isinstance(value, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(value).__name__}.")


class ParametrizationList(ModuleList):
    """The functions of one tensor, and the tensors that they start from."""

    def __init__(self, modules: Sequence[Module], original: Any, unsafe: bool = False) -> None:
        if len(modules) == 0:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape_of = original.detach().clone()
        with no_grad():
            new = self._backwards(original, optional=True)
        if not isinstance(new, Tensor | list | tuple):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(new).__name__}"
            )
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if isinstance(new, Tensor) else len(new)
        if isinstance(new, Tensor):
            if original.dtype != new.dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                    f"original.dtype: {original.dtype}\nright_inverse(original).dtype: {new.dtype}"
                )
            with no_grad():
                original.set_(new)  # the same object: an optimizer may hold it
            _keep(self, "original", original)
        else:
            for i, part in enumerate(new):
                if not isinstance(part, Tensor):
                    raise ValueError(
                        "'right_inverse' must return a Tensor or a Sequence of tensors (list, "
                        f"tuple...). Got element {i} of the sequence with type "
                        f"{type(part).__name__}."
                    )
                if isinstance(original, Parameter):
                    part = Parameter(part, original.requires_grad)
                _keep(self, f"original{i}", part.requires_grad_(original.requires_grad))
        if not unsafe:
            made = self()
            _must_be_tensor(made)
            names = "unparametrized", "parametrized"
            _same(shape_of, made, "Registering a parametrization", names)

    def _backwards(self, value: Any, optional: bool = False) -> Any:
        """Through the right inverses, last function first; a missing one may be the identity."""
        for module in reversed(self):
            if hasattr(module, "right_inverse"):
                try:
                    value = module.right_inverse(value)
                except NotImplementedError:
                    if not optional:
                        raise
            elif not optional:
                raise RuntimeError(
                    f"parametrization {type(module).__name__} does not implement right_inverse."
                )
        return value

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals so that the functions give `value`, if they can."""
        with no_grad():
            new = self._backwards(value)
            if self.is_tensor:
                if not isinstance(new, Tensor):
                    raise ValueError(
                        f"`right_inverse` should return a tensor. Got {type(new).__name__}"
                    )
                if new.dtype != self.original.dtype:
                    raise ValueError(
                        f"The tensor returned by `right_inverse` has dtype {new.dtype} "
                        f"while `original` has dtype {self.original.dtype}"
                    )
                self.original.set_(new)
                return
            if not isinstance(new, list | tuple):
                raise ValueError(
                    f"'right_inverse' must return a sequence of tensors. Got {type(new).__name__}."
                )
            if len(new) != self.ntensors:
                raise ValueError(
                    "'right_inverse' must return a sequence of tensors of length "
                    f"{self.ntensors}. Got a sequence of length {len(new)}."
                )
            for i, part in enumerate(new):
                getattr(self, f"original{i}").set_(part)

    def forward(self) -> Tensor:
        """The tensor: the functions one after the other."""
        if self.is_tensor:
            starts = [self.original]
        else:
            starts = [getattr(self, f"original{i}") for i in range(self.ntensors)]
        first, *others = self
        x = first(*starts)
        for function in others:
            x = function(x)
        return x


# ---- the module's own class ----------------------------------------------------------------------


def _own_class(module: Module) -> None:
    """Give the module a subclass of its own, whose properties are its alone."""
    above = type(module)

    def refuse(self: Any) -> Any:
        raise RuntimeError(
            "Serialization of parametrized modules is only supported through state_dict(). See:\n"
            "https://pytorch.org/tutorials/beginner/saving_loading_models.html"
            "#saving-loading-a-general-checkpoint-for-inference-and-or-resuming-training"
        )

    def deep_copy(self: Any, memo: dict[int, Any]) -> Any:
        found = memo.get(id(self))
        if found is None:
            found = memo[id(self)] = self.__new__(type(self))
            found.__dict__ = copy.deepcopy(self.__dict__, memo)
        return found

    members: dict[str, Any] = {"__getstate__": refuse}
    if not hasattr(above, "__deepcopy__"):
        members["__deepcopy__"] = deep_copy
    module.__class__ = type(f"Parametrized{above.__name__}", (above,), members)


def _property(module: Module, name: str) -> None:
    def get(self: Any) -> Tensor:
        made = self.parametrizations[name]
        if not _caching:
            return made()
        key = (id(module), name)
        if key not in _cache:
            _cache[key] = made()
        return _cache[key]

    def put(self: Any, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    setattr(type(module), name, property(get, put))


# ---- what users call -----------------------------------------------------------------------------


def register_parametrization(
    module: Any, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Any:
    """Make `module.tensor_name` the result of `parametrization`, after those that are there already.

    Unless `unsafe`, ValueError if the function changes dtype or shape.  ValueError, too, if there is no
    such parameter or buffer.
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        if not unsafe:
            _check_next(module, tensor_name, parametrization)
        made = module.parametrizations[tensor_name]
        made.append(parametrization)
        made.unsafe |= unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        made = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _own_class(module)
            module.parametrizations = ModuleDict()
        _property(module, tensor_name)
        module.parametrizations[tensor_name] = made
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a "
            f"parametrized element with name '{tensor_name}'"
        )
    return module


def _check_next(module: Any, name: str, parametrization: Any) -> None:
    """Whether a further function, and its inverse, keep dtype and shape."""
    before = getattr(module, name)
    after = parametrization(before)
    _must_be_tensor(after)
    names = f"module.{name}", f"parametrization(module.{name})"
    _same(before, after, "Registering a parametrization", names)
    if hasattr(parametrization, "right_inverse"):
        with contextlib.suppress(NotImplementedError):
            back = parametrization.right_inverse(after)
            if not isinstance(back, Tensor):
                raise ValueError(
                    f"parametrization.right_inverse must return a tensor. Got: {type(back).__name__}"
                )
            what = "The tensor returned by parametrization.right_inverse"
            _same(before, back, what, (names[0], "returned"))


def is_parametrized(module: Any, tensor_name: str | None = None) -> bool:
    """Whether this tensor of the module is; without a name, whether any is."""
    made = getattr(module, "parametrizations", None)
    if not isinstance(made, ModuleDict):
        return False
    return len(made) > 0 if tensor_name is None else tensor_name in made


def remove_parametrizations(
    module: Any, tensor_name: str, leave_parametrized: bool = True
) -> Any:
    """Make it a plain tensor again: of the present value, or else of the original's.

    ValueError if it is not parametrized, or if the original of several tensors is asked for.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    made = module.parametrizations[tensor_name]
    if made.is_tensor:
        original = made.original
        if leave_parametrized:
            with no_grad():
                original.set_(getattr(module, tensor_name))
    elif leave_parametrized:
        value = getattr(module, tensor_name)
        original = Parameter(value) if value.requires_grad else value
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor "
            "that is parametrized in terms of a sequence of tensors."
        )
    delattr(type(module), tensor_name)
    del module.parametrizations[tensor_name]
    _keep(module, tensor_name, original)
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        module.__class__ = type(module).__bases__[0]
    return module


def type_before_parametrizations(module: Module) -> type:
    """The module's class as it was written."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(
    from_module: Any, to_module: Any, tensor_name: str | None = None
) -> Any:
    """Parametrize `to_module` as `from_module` is, with the same functions and originals."""
    if not is_parametrized(from_module):
        return to_module
    for name in [tensor_name] if tensor_name is not None else list(from_module.parametrizations):
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name)))
        source = from_module.parametrizations[name]
        for function in source:
            register_parametrization(to_module, name, function)
        target = to_module.parametrizations[name]
        if source.is_tensor:
            target.original = source.original
        else:
            for i in range(source.ntensors):
                setattr(target, f"original{i}", getattr(source, f"original{i}"))
    return to_module
