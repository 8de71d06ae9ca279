"""A torch namespace that notes the weights it trains, and may move them by one ULP first.

The programs are handed `Observed(torch)` instead of torch.  Everything passes through, except that
optimizers say which parameters they were given: their values before the first step are written
down, and the null model nudges them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

NUDGES = ("one", "all")


def nudge_array(values: np.ndarray, how: str, seed: int) -> np.ndarray:
    """`values` with the largest element ("one") or every element ("all") moved by one ULP."""
    rng = np.random.default_rng(seed)
    if how == "one":
        moved = values.copy()
        at = np.unravel_index(int(np.argmax(np.abs(values))), values.shape)
        moved[at] = np.nextafter(values[at], np.array(np.inf, values.dtype))
        return moved
    up = rng.integers(0, 2, values.shape).astype(bool)
    inf = np.array(np.inf, values.dtype)
    return np.where(up, np.nextafter(values, inf), np.nextafter(values, -inf)).astype(values.dtype)


class _Pass:
    """Attributes of `target`, with some replaced."""

    def __init__(self, target: Any, **replaced: Any) -> None:
        self.__dict__.update(replaced, _target=target)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["_target"], name)


class Observed(_Pass):
    """The namespace `torch`; `initial` and `final` are the optimized parameters as arrays.

    nudge: None, or ("one" | "all", seed): how the parameters are moved before training.
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
                return make(params, *args, **kwargs)
            return made

        names = ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad")
        replaced = {n: watch(getattr(optim, n)) for n in names if hasattr(optim, n)}
        self.__dict__["optim"] = _Pass(optim, **replaced)

    def _watch(self, params: list, nudge: tuple[str, int] | None) -> None:
        self._params.extend(params)
        self.initial.extend(p.detach().numpy().copy() for p in params)
        if nudge is None:
            return
        how, seed = nudge
        for i, p in enumerate(params[:1] if how == "one" else params):
            array = p.detach().numpy()
            if array.size:
                array[...] = nudge_array(array, how, seed + i)

    @property
    def final(self) -> list[np.ndarray]:
        """The parameters as they are now."""
        return [p.detach().numpy().copy() for p in self._params]
