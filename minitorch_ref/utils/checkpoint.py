"""Checkpointing: what a part of a program saves for backward is computed again instead of kept.

    y = checkpoint(block, x, use_reentrant=False)

Reentrant: forward runs unrecorded, as one operation; its backward runs the block again, recorded, and
a backward pass of its own through that.  Otherwise forward is recorded, and hooks keep a mere place
for each tensor that is saved; the first place that backward asks for has the block run again, which
saves the same tensors in the same order.
"""

from __future__ import annotations

import contextlib
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ..autograd.engine import backward
from ..autograd.function import Function
from ..autograd.graph import Node, save, unpack
from ..autograd.modes import enable_grad, no_grad, state
from ..autograd.saving import saved_tensors_hooks
from ..random import get_rng_state, set_rng_state
from ..tensor import Tensor

__all__ = [
    "CheckpointError", "CheckpointFunction", "check_backward_validity", "checkpoint",
    "checkpoint_sequential", "detach_variable", "noop_context_fn", "set_checkpoint_debug_enabled",
    "set_checkpoint_early_stop",
]  # fmt: skip

_OWNER = Node()  # in whose name the inputs of a block are saved


class CheckpointError(RuntimeError):
    """The block did not save the same tensors when it ran again."""


class _Stop(Exception):  # noqa: N818 - no error: all there is to compute again has been computed
    pass


def noop_context_fn() -> tuple[Any, Any]:
    """The contexts in which a block runs, and runs again: none."""
    return contextlib.nullcontext(), contextlib.nullcontext()


class _Switches:
    early_stop: bool | None = None
    debug: bool | None = None


@contextlib.contextmanager
def _switched(name: str, value: bool | None) -> Iterator[None]:
    before = getattr(_Switches, name)
    setattr(_Switches, name, value)
    try:
        yield
    finally:
        setattr(_Switches, name, before)


def set_checkpoint_early_stop(enable: bool) -> Any:
    """A context that decides for all checkpoints inside whether they stop as soon as they can."""
    return _switched("early_stop", enable)


def set_checkpoint_debug_enabled(enabled: bool | None) -> Any:
    """A context that notes the wish for more details in errors; they are the same here."""
    return _switched("debug", enabled)


def check_backward_validity(inputs: Iterable[Any]) -> None:
    """Warn if none of `inputs` requires grad."""
    if not any(x.requires_grad for x in inputs if isinstance(x, Tensor)):
        warnings.warn(
            "None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2
        )


def detach_variable(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """`inputs` with the tensors among them made leaves.  Raises RuntimeError for other than tuples."""
    if not isinstance(inputs, tuple):
        raise RuntimeError(
            f"Only tuple of tensors is supported. Got Unsupported input type: {type(inputs).__name__}"
        )
    return tuple(
        [x.detach().requires_grad_(x.requires_grad) if isinstance(x, Tensor) else x for x in inputs]
    )


@contextlib.contextmanager
def _random_state(wanted: Tensor | None) -> Iterator[None]:
    """Random numbers go on from `wanted`, if there is one, and afterwards from where they were."""
    if wanted is None:
        yield
        return
    before = get_rng_state()
    set_rng_state(wanted)
    try:
        yield
    finally:
        set_rng_state(before)


# ---- as one operation ------------------------------------------------------------------------------


class CheckpointFunction(Function):
    """A block as one operation, whose backward runs it again."""

    @staticmethod
    def forward(ctx: Any, run_function: Any, preserve_rng_state: bool, *args: Any) -> Any:
        check_backward_validity(args)
        ctx.run_function = run_function
        ctx.rng_state = get_rng_state() if preserve_rng_state else None
        ctx.inputs = [None if isinstance(a, Tensor) else a for a in args]
        ctx.places = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        ctx.save_for_backward(*[args[i] for i in ctx.places])
        with no_grad():
            return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        if state.running.wanted is not None:
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or "
                "passing an `inputs` parameter to .backward(). To resolve this error, you can either "
                "set use_reentrant=False, or call .backward() without passing the `inputs` argument."
            )
        inputs = list(ctx.inputs)
        for i, tensor in zip(ctx.places, ctx.saved_tensors):
            inputs[i] = tensor
        leaves = detach_variable(tuple(inputs))
        with _random_state(ctx.rng_state), enable_grad():
            outputs = ctx.run_function(*leaves)
        outputs = (outputs,) if isinstance(outputs, Tensor) else outputs
        flowing = [
            (out, g) for out, g in zip(outputs, gradients)
            if isinstance(out, Tensor) and out.requires_grad
        ]  # fmt: skip
        if not flowing:
            raise RuntimeError(
                "none of output has requires_grad=True, this checkpoint() is not necessary"
            )
        backward([out for out, _ in flowing], [g for _, g in flowing])
        return (None, None, *[x.grad if isinstance(x, Tensor) else None for x in leaves])


# ---- recorded, with places for what is saved -------------------------------------------------------


class _Place:
    """What is kept for a saved tensor: which one it was of those that its block saved."""

    __slots__ = ("__weakref__", "described", "number")

    def __init__(self, number: int, described: Any) -> None:
        self.number, self.described = number, described


class _Block:
    """One call of a checkpointed function, which can run again.

    Tensors computed again belong to a backward pass, and live until their place is freed.
    """

    def __init__(self, run: Callable[..., Any], early_stop: bool, describe: Any) -> None:
        self.run, self.early_stop, self.describe = run, early_stop, describe
        self.places: list[weakref.ref[_Place]] = []
        self.again: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
        self.args: list[Any] = []
        self.complete = False

    def save_inputs(self, args: Sequence[Any]) -> None:
        self.args = [save(a) if isinstance(a, Tensor) else (a,) for a in args]

    def inputs(self) -> list[Any]:
        """The arguments of the call.  Raises RuntimeError if one was written to since."""
        return [a[0] if len(a) == 1 else unpack(a, _OWNER) for a in self.args]

    def pack(self, tensor: Tensor) -> _Place:
        place = _Place(len(self.places), self.describe(tensor))
        self.places.append(weakref.ref(place))
        return place

    def unpack(self, place: _Place) -> Tensor:
        run = state.running
        found = None if run is None else self.again.get(run)
        if found is None or place not in found:
            found = self.compute()
            if run is not None:
                self.again[run] = found
        if place not in found:
            raise CheckpointError(
                "torch.utils.checkpoint: Unpack is being triggered for a tensor that was already "
                "unpacked once. If you are calling ctx.saved_tensors in backward, make sure to do "
                "so only once. Otherwise please open an issue with details on your use case."
            )
        return found[place]

    def compute(self) -> Any:
        """Run again: the tensors by their places.  Raises CheckpointError if they are others."""
        found: weakref.WeakKeyDictionary[_Place, Tensor] = weakref.WeakKeyDictionary()
        count, surplus = 0, False

        def store(tensor: Tensor) -> Tensor:
            nonlocal count, surplus
            value = tensor.detach()
            count += 1
            if count > len(self.places):
                surplus = True
                if self.complete:
                    raise CheckpointError(
                        "torch.utils.checkpoint: trying to save more tensors during recomputation "
                        "than during the original forward pass."
                    )
                return value
            place = self.places[count - 1]()
            if place is not None:
                found[place] = value
            if self.early_stop and count == len(self.places):
                raise _Stop
            return value

        with saved_tensors_hooks(store, lambda value: value), enable_grad(), contextlib.suppress(_Stop):
            self.run(*self.inputs())
        if not surplus:
            self.check(found, count)
        return found

    def check(self, found: Any, count: int) -> None:
        if count != len(self.places):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the original "
                f"forward and recomputation.\nNumber of tensors saved during forward: "
                f"{len(self.places)}\nNumber of tensors saved during recomputation: {count}."
            )
        differing = [
            f"tensor at position {place.number}:\nsaved metadata: {place.described}\n"
            f"recomputed metadata: {self.describe(value)}\n"
            for place, value in found.items() if place.described != self.describe(value)
        ]  # fmt: skip
        if differing:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values for the following tensors have different "
                f"metadata than during the forward pass.\n{''.join(differing)}"
            )


def _described(tensor: Tensor) -> dict[str, Any]:
    return {"shape": tensor.shape, "dtype": tensor.dtype, "device": tensor.device}


_CHECKS: dict[str, Callable[[Tensor], Any]] = {"default": _described, "none": lambda tensor: None}


def _recorded(
    function: Callable[..., Any],
    preserve_rng_state: bool,
    context_fn: Callable[[], tuple[Any, Any]],
    determinism_check: str,
    early_stop: bool,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    if determinism_check not in _CHECKS:
        raise ValueError(
            f"determinism_check should be one of {list(_CHECKS)}, but got {determinism_check}"
        )
    first, again = context_fn()
    if not state.grad:
        return function(*args, **kwargs)
    rng_state = get_rng_state() if preserve_rng_state else None

    def run(*inputs: Any) -> None:
        with _random_state(rng_state), again:
            function(*inputs, **kwargs)

    chosen = _Switches.early_stop
    block = _Block(run, early_stop if chosen is None else chosen, _CHECKS[determinism_check])
    block.save_inputs(args)
    with saved_tensors_hooks(block.pack, block.unpack), first:
        result = function(*args, **kwargs)
    block.complete = True
    return result


# ---- the public functions --------------------------------------------------------------------------


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], tuple[Any, Any]] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """`function(*args, **kwargs)`, which runs again in backward; `preserve_rng_state` alike (True).

    Keywords for the function, `context_fn` and checks need `use_reentrant=False`; ValueError
    otherwise.  Raises CheckpointError, in backward, if the function does something else by then.
    """
    if use_reentrant is None:
        warnings.warn(_EXPLICIT.format(""), stacklevel=2)
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if not use_reentrant:
        return _recorded(
            function, preserve, context_fn, determinism_check, early_stop, args, kwargs
        )
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    if context_fn is not noop_context_fn or debug is not False:
        raise ValueError(
            "Passing `context_fn` or `debug` is only supported when use_reentrant=False."
        )
    return CheckpointFunction.apply(function, preserve, *args)


_EXPLICIT = (
    "torch.utils.checkpoint{}: the use_reentrant parameter should be passed explicitly. Starting in "
    "PyTorch 2.9, calling checkpoint without use_reentrant will raise an exception. "
    "use_reentrant=False is recommended, but if you need to preserve the current default behavior, "
    "you can pass use_reentrant=True. Refer to docs for more details on the differences between the "
    "two variants."
)


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """`functions` one after the other, in `segments` parts that are checkpointed but for the last."""
    from ..nn import Sequential

    if use_reentrant is None:
        warnings.warn(_EXPLICIT.format(".checkpoint_sequential"), stacklevel=2)
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    functions = list(functions.children() if isinstance(functions, Sequential) else functions)

    def part(start: int, end: int) -> Callable[[Any], Any]:
        def run(input: Any) -> Any:
            for function in functions[start:end]:
                input = function(input)
            return input

        return run

    size, end = len(functions) // segments, 0
    for start in range(0, size * (segments - 1), size):
        end = start + size
        input = checkpoint(
            part(start, end), input, use_reentrant=use_reentrant, preserve_rng_state=preserve
        )
    return part(end, len(functions))(input)
