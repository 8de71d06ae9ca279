"""What rounding alone can do to a computation: the oracle in float64, its results rounded at random.

    with Rounded(torch, seed):
        ...                            # a computation of torch's, in float64

Every float64 tensor that an op hands on, forward, backward or in an optimizer, is rounded to the 24
bits of a float32, up or down at random and with the odds of its distance to either (Monte Carlo
arithmetic; Parker, 1997).  How far the end result moves from the unrounded one is what float32
costs, whoever computes it.  What is added up is rounded, too, at its own size: a sum that cancels
to zero moves by an ULP of its terms, not of the zero.  Nothing here knows about a particular op.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_LOW = 29  # the bits of a float64 mantissa beyond those of a float32


def round_at_random(values: np.ndarray, rng: np.random.Generator) -> None:
    """Round float64 `values` to 24 bits in place; numbers of 24 bits stay what they are."""
    bits = values.view(np.int64)
    bits += rng.integers(0, 1 << _LOW, values.shape)  # carries into bit 29 with the right odds
    bits &= -1 << _LOW


def Rounded(torch: Any, seed: int) -> Any:  # noqa: N802 - used like the class that it makes
    """A context in which `torch` rounds its float64 results at random."""
    from torch.utils._python_dispatch import TorchDispatchMode

    rng = np.random.default_rng(seed)

    def rounded(x: Any) -> None:
        if not isinstance(x, torch.Tensor) or not x.numel():
            return
        if x._is_zerotensor() or x.is_meta:  # zeros are exact and have no memory; shapes no numbers
            return
        if x.dtype is torch.complex128 and not x.is_conj():
            x = torch.view_as_real(x)
        if x.dtype is torch.float64 and not x.is_neg():
            round_at_random(x.detach().numpy(), rng)

    class Mode(TorchDispatchMode):
        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            out = func(*args, **(kwargs or {}))
            if not func.is_view:
                for x in out if isinstance(out, (tuple, list)) else (out,):
                    rounded(x)
            return out

    return Mode()
