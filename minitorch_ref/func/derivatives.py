"""Gradients and Jacobians of functions.

The one idea: a function is run on inputs of its own.  An input that is part of a graph is looked at
through an alias, so that what is computed stays part of that graph; another becomes a new leaf.
What is returned is cut off where it depends on these new leaves alone: to the outside it is a
number like any other.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from ..autograd.engine import grad as gradients_of
from ..autograd.functional import _unit as unit
from ..autograd.functional import _zeros as zeros
from ..autograd.graph import Node, node_of, requires_grad
from ..autograd.modes import enable_grad, is_grad_enabled
from ..ops.joining import stack
from ..tensor import Tensor
from .trees import flatten, map_leaves, unflatten

Argnums = int | tuple[int, ...]
# The leaves of calls that are over; a pull-back or the like may still lead to them.
_finished: weakref.WeakSet[Node] = weakref.WeakSet()


class Inputs:
    """The arguments of a call, those to differentiate by replaced by tensors of its own."""

    def __init__(self, args: tuple[Any, ...], argnums: Argnums | None) -> None:
        self.made: list[Node] = []
        if argnums is None:
            self.args = self.chosen = map_leaves(self._own, args)
        else:
            places = _places(argnums, len(args))
            chosen = {i: map_leaves(self._own, args[i]) for i in places}
            self.args = tuple([chosen.get(i, a) for i, a in enumerate(args)])
            self.chosen = tuple([chosen[i] for i in places])
            self.chosen = self.chosen if isinstance(argnums, tuple) else self.chosen[0]
        self.leaves, self.shape = flatten(self.chosen)

    def _own(self, x: Any) -> Tensor:
        if not isinstance(x, Tensor):
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(x)}")
        if requires_grad(x):
            return x.view_as(x)
        own = x.detach().requires_grad_()
        self.made.append(node_of(own))
        return own

    def settle(self, tree: Any) -> Any:
        """The tensors in `tree`, cut off from new leaves where there is no other origin.

        From now on this call's leaves are nobody's variables, for the calls around it neither.
        """
        _finished.update(self.made)
        known: dict[Node, bool] = {}
        return map_leaves(
            lambda x: x.detach()
            if isinstance(x, Tensor) and requires_grad(x) and not self._from_outside(node_of(x), known)
            else x,
            tree,
        )

    def _from_outside(self, node: Node, known: dict[Node, bool]) -> bool:
        """Whether `node` leads to a leaf of the program, or of a call that is under way."""
        pending, seen = [node], {node}
        while pending:
            at = pending.pop()
            if known.get(at) or (at.variable is not None and at not in _finished):
                known[node] = True
                return True
            for source in at.sources():
                if source not in seen:
                    seen.add(source)
                    pending.append(source)
        return False

    def pull_back(self, outs: Sequence[Tensor], cotangents: Sequence[Any], create: bool) -> list[Any]:
        """The gradients of the chosen inputs, zeros where there are none."""
        flowing = [(y, g) for y, g in zip(outs, cotangents) if requires_grad(y)]
        if not flowing:
            return [zeros(x) for x in self.leaves]
        ys, gs = zip(*flowing)
        found = gradients_of(ys, self.leaves, gs, True, create, allow_unused=True)
        return [zeros(x) if g is None else g for x, g in zip(self.leaves, found)]


def _places(argnums: Argnums, count: int) -> list[int]:
    """`argnums` counted from the front.  Raises RuntimeError for what is no place of an argument."""
    if not isinstance(argnums, (int, tuple)):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    places = []
    for place in argnums if isinstance(argnums, tuple) else (argnums,):
        if not isinstance(place, int):
            raise RuntimeError(f"argnum must be int, got: {type(place)}")
        if not -count <= place < count:
            raise RuntimeError(f"Got argnum={place}, but only {count} positional inputs")
        places.append(place % count)
    if not places:
        raise RuntimeError("argnums must be non-empty")
    if len(set(places)) != len(places):
        raise RuntimeError(f"argnums elements must be unique, got {argnums}")
    return places


def _with_aux(result: Any, has_aux: bool, name: str) -> tuple[Any, Any]:
    if not has_aux:
        return result, None
    if not (isinstance(result, tuple) and len(result) == 2):
        raise RuntimeError(
            f"{name}: output of function f should be a tuple: (output, aux) if has_aux is True"
        )
    for x in flatten(result[1])[0]:
        if not isinstance(x, Tensor):
            raise RuntimeError(f"Expected tensors, got unsupported type {type(x)}")
    return result


# ---- gradients of scalars ----------------------------------------------------------------------


def grad_and_value(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that returns (gradient by the arguments `argnums`, value) of `func`, a scalar.

    `has_aux`: `func` returns (value, aux), and the new function (gradient, (value, aux)).
    """

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        name = "grad_and_value(f)(*args)"
        with enable_grad():
            inputs = Inputs(args, argnums)
            value, aux = _with_aux(func(*inputs.args, **kwargs), has_aux, name)
            if not isinstance(value, Tensor):
                raise RuntimeError(
                    f"{name}: Expected f(*args) to return a Tensor, got {type(value)}"
                )
            if value.dim() != 0:
                raise RuntimeError(
                    f"{name}: Expected f(*args) to return a scalar Tensor, got tensor with "
                    f"{value.dim()} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
                )
            found = inputs.pull_back([value], [None], True)
            result = unflatten(found, inputs.shape), (value, aux) if has_aux else value
            return inputs.settle(result)

    return wrapper


def grad(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """A function that returns the gradient of `func`, a scalar, by the arguments `argnums`.

    `has_aux`: `func` returns (value, aux), and the new function (gradient, aux).
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        found, value = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return wrapper


# ---- products with vectors -----------------------------------------------------------------------


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """(func(*primals), function of cotangents that returns a gradient per primal); and aux."""
    inputs, outs, aux = _run(func, primals, None, has_aux, "vjp(f, *primals)")
    leaves, shape = flatten(outs)

    def pull_back(
        cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None
    ) -> Any:
        given, given_shape = flatten(cotangents)
        if given_shape != shape:
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of "
                f"outputs to the function. cotangents: {given_shape}, primal output: {shape}"
            )
        create = is_grad_enabled() if create_graph is None else create_graph
        found = unflatten(inputs.pull_back(leaves, given, create), inputs.shape)
        return inputs.settle(found)

    values = inputs.settle(outs)
    return (values, pull_back, inputs.settle(aux)) if has_aux else (values, pull_back)


def _run(
    func: Callable[..., Any], args: tuple[Any, ...], argnums: Argnums | None, has_aux: bool, name: str
) -> tuple[Inputs, Any, Any]:
    """(inputs, outputs, aux) of a recorded call.  Raises RuntimeError for outputs that are no tensors."""
    with enable_grad():
        inputs = Inputs(args, argnums)
        outs, aux = _with_aux(func(*inputs.args), has_aux, name)
    leaves, _ = flatten(outs)
    if not leaves or (len(leaves) == 1 and leaves[0] is None):
        raise RuntimeError(
            f"{name}: Expected f to be a function that has non-empty output (got output = {leaves})"
        )
    for y in leaves:
        if not isinstance(y, Tensor):
            raise RuntimeError(
                f"{name}: expected f(*primals) to return only tensors, got unsupported type {type(y)}"
            )
        if not (y.is_floating_point() or y.is_complex()):
            raise RuntimeError(
                "vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor "
                f"with dtype {y.dtype}"
            )
    return inputs, outs, aux


_JVP = "jvp(f, primals, tangents)"


def jvp(
    func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False,
    has_aux: bool = False,
) -> Any:  # fmt: skip
    """(func(*primals), its derivative along `tangents`); and aux.

    The gradient is linear in the cotangent; the derivative of the gradient by the cotangent, along
    the tangents, is what is asked for: two backward passes, where torch computes forwards.
    """
    if not isinstance(primals, tuple):
        raise RuntimeError(
            f"{_JVP}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals)."
        )
    given, shape = flatten(tangents)
    if flatten(primals)[1] != shape:
        raise RuntimeError(
            f"{_JVP}: Expected primals and tangents to have the same python structure. For example, "
            "if primals is a tuple of 3 tensors, tangents also must be. Got primals with structure "
            f"{flatten(primals)[1]} and tangents with structure {shape}"
        )
    if not given:
        raise RuntimeError(f"{_JVP}: Expected primals to contain at least one Tensor.")
    inputs, outs, aux = _run(func, primals, None, has_aux, _JVP)
    found = _push_forward(inputs, outs, given, strict)
    result = inputs.settle((outs, found))
    return (*result, inputs.settle(aux)) if has_aux else result


def _push_forward(inputs: Inputs, outs: Any, tangents: list[Any], strict: bool) -> Any:
    leaves, shape = flatten(outs)
    with enable_grad():
        seeds = [zeros(y).requires_grad_() for y in leaves]
        inputs.made += [node_of(seed) for seed in seeds]
        slopes = inputs.pull_back(leaves, seeds, True)
        flowing = [(g, t) for g, t in zip(slopes, tangents) if requires_grad(g)]
        found: Sequence[Any] = [None] * len(leaves)
        if flowing:
            gs, ts = zip(*flowing)
            found = gradients_of(gs, seeds, ts, True, True, allow_unused=True)
    if strict and any(t is None for t in found):
        raise RuntimeError(
            "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. "
            "This is not allowed with strict=True."
        )
    return unflatten([zeros(y) if t is None else t for y, t in zip(leaves, found)], shape)


def linearize(func: Callable[..., Any], *primals: Any) -> Any:
    """(func(*primals), function of tangents that returns the derivative along them)."""
    inputs, outs, _ = _run(func, primals, None, False, "linearize(f, *primals)")
    sizes = [x.shape for x in inputs.leaves]

    def push_forward(*tangents: Any) -> Any:
        given, shape = flatten(tangents)
        if shape != inputs.shape:
            raise RuntimeError(
                f"Expected the tangents {shape} to have the same argspec as the primals {inputs.shape}"
            )
        for i, (tangent, size) in enumerate(zip(given, sizes)):
            if tangent.shape != size:
                raise RuntimeError(
                    f"tangent:{i} with shape {tangent.shape} in flattened pytree doesn't match the "
                    f"shape {size} of the corresponding primal."
                )
        return inputs.settle(_push_forward(inputs, outs, given, False))

    return inputs.settle(outs), push_forward


# ---- Jacobians -----------------------------------------------------------------------------------


def jacrev(
    func: Callable[..., Any], argnums: Argnums = 0, *, has_aux: bool = False,
    chunk_size: int | None = None, _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:  # fmt: skip
    """A function that returns the Jacobian of `func`: for outputs and inputs alike (*output, *input).

    It is computed row by row, whatever `chunk_size`.
    """
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")
    return _jacobian(func, argnums, has_aux, "jacrev")


def jacfwd(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *,
    randomness: str = "error",
) -> Callable[..., Any]:  # fmt: skip
    """The same as `jacrev`, and here by the same way: there are no forward derivatives."""
    return _jacobian(func, argnums, has_aux, "jacfwd")


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that returns the Hessian of `func`, the Jacobian of its Jacobian."""
    return jacfwd(jacrev(func, argnums), argnums)


def _jacobian(
    func: Callable[..., Any], argnums: Argnums, has_aux: bool, name: str
) -> Callable[..., Any]:
    @functools.wraps(func)
    def wrapper(*args: Any) -> Any:
        _only_real(name, "inputs", args)
        inputs, outs, aux = _run(func, args, argnums, has_aux, "vjp(f, *primals)")
        leaves, shape = flatten(outs)
        _only_real(name, "outputs", outs)
        table = unflatten([_rows(inputs, y) for y in leaves], shape)
        return inputs.settle((table, aux) if has_aux else table)

    return wrapper


def _rows(inputs: Inputs, y: Tensor) -> Any:
    """The derivatives of all elements of `y`, by all inputs."""
    with enable_grad():
        rows = [inputs.pull_back([y], [unit(y, i)], True) for i in range(y.numel())]
        columns = zip(*rows) if rows else [()] * len(inputs.leaves)
        found = [
            (stack(list(c)) if c else x.new_zeros((0, *x.shape))).reshape(*y.shape, *x.shape)
            for x, c in zip(inputs.leaves, columns)
        ]
    return unflatten(found, inputs.shape)


def _only_real(name: str, what: str, tree: Any) -> None:
    for i, x in enumerate(flatten(tree)[0]):
        if isinstance(x, Tensor) and x.is_complex():
            raise RuntimeError(
                f"{name}: Expected all {what} to be real but received complex tensor at flattened "
                f"input idx: {i}"
            )
