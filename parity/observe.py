"""A torch namespace that notes the weights it trains, and may move them by one ULP first.

The programs are handed `Observed(torch)` instead of torch.  Everything passes through, except that
optimizers say which parameters they were given: their values before the first step are written
down, and the null model nudges them, once or at every step.
"""

from __future__ import annotations

import itertools
import types
from collections.abc import Callable
from typing import Any

import numpy as np

NUDGES = ("one", "all", "steps")


def nudge_array(values: np.ndarray, how: str, seed: int) -> np.ndarray:
    """`values` with the largest element ("one") or every element ("all") moved by one ULP.

    "steps": every element moved by −1, 0 or +1 ULP.
    """
    rng = np.random.default_rng(seed)
    if how == "one":
        moved = values.copy()
        at = np.unravel_index(int(np.argmax(np.abs(values))), values.shape)
        moved[at] = np.nextafter(values[at], np.array(np.inf, values.dtype))
        return moved
    way = rng.integers(-1, 2, values.shape) if how == "steps" else rng.choice([-1, 1], values.shape)
    target = np.where(way > 0, np.inf, -np.inf).astype(values.dtype)
    return np.where(way == 0, values, np.nextafter(values, target)).astype(values.dtype)


def nudge_tensors(params: list, how: str, seed: int) -> None:
    """Move the values of `params` in place."""
    for i, p in enumerate(params[:1] if how == "one" else params):
        array = p.detach().numpy()
        if array.size:
            array[...] = nudge_array(array, how, seed + i)


def steps_of(optim: Any) -> dict[Any, Callable]:
    """The classes of a namespace's optimizers that have a `step` of their own, with it."""
    public = [c for c in vars(optim).values() if isinstance(c, type)]
    kinds = [k for c in public for k in c.__mro__ if "step" in vars(k)]  # or inherited
    chosen = [k for k in dict.fromkeys(kinds) if issubclass(k, optim.Optimizer)]
    return {kind: vars(kind)["step"] for kind in chosen}


def _shake(optimizer: Any, params: list, seed: int) -> None:
    """Make every `optimizer.step()` end with a nudge of its parameters."""
    step, seeds = optimizer.step, itertools.count(seed, 1000)

    def shaken(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = step(*args, **kwargs)
        nudge_tensors(params, "steps", next(seeds))
        return found

    optimizer.step = types.MethodType(shaken, optimizer)  # a method: schedulers look inside


class _Pass:
    """Attributes of `target`, with some replaced."""

    def __init__(self, target: Any, **replaced: Any) -> None:
        self.__dict__.update(replaced, _target=target)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_target"], name)


class Observed(_Pass):
    """The namespace `torch`; `initial` and `final` are the optimized parameters as arrays.

    nudge: None, or ("one" | "all" | "steps", seed): how the parameters are moved, the first two
        before training, "steps" after each step.
    """

    def __init__(self, torch: Any, nudge: tuple[str, int] | None = None) -> None:
        super().__init__(torch, __name__=torch.__name__)
        self.__dict__["initial"] = []
        self.__dict__["_params"] = []
        optim = torch.optim

        def watch(make: Any) -> Any:
            def made(params: Any, *args: Any, **kwargs: Any) -> Any:
                params = list(params)
                self._watch(params, nudge)
                optimizer = make(params, *args, **kwargs)
                if nudge is not None and nudge[0] == "steps":
                    _shake(optimizer, params, nudge[1])
                return optimizer

            return made

        names = ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad")
        replaced = {n: watch(getattr(optim, n)) for n in names if hasattr(optim, n)}
        self.__dict__["optim"] = _Pass(optim, **replaced)

    def _watch(self, params: list, nudge: tuple[str, int] | None) -> None:
        self._params.extend(params)
        self.initial.extend(p.detach().numpy().copy() for p in params)
        if nudge is None:
            return
        nudge_tensors(params, *nudge)

    @property
    def final(self) -> list[np.ndarray]:
        """The parameters as they are now."""
        return [p.detach().numpy().copy() for p in self._params]
