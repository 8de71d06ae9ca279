"""Generators: torch's random streams, and the one that is used when none is given.

The words and the numbers made of them are in `kernels/mersenne.py` and `kernels/draws.py`; the
functions that fill tensors are in `ops/sampling.py`.  Here is who owns a stream: `Generator`, and
the process-wide `default_generator` with the functions of `torch.random` around it.

As in torch, a new `Generator` starts from a fixed seed, and the default one from a seed that nobody
can foresee, so an unseeded program differs from run to run.  It is made when first asked for: an
import draws nothing.  A forked process carries on from a copy of its parent's state.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from .device import CPU, device
from .kernels.mersenne import MersenneTwister
from .tensor import Tensor, wrap

_DEFAULT_SEED = 67280421310721


class Generator:
    """A stream of random numbers that can be seeded, saved and continued: torch.Generator."""

    __slots__ = ("_seed", "_source", "__weakref__")

    def __init__(self, device: Any = "cpu") -> None:
        _check_device(device)
        self._seed: int | None = _DEFAULT_SEED
        self._source: MersenneTwister | None = None

    @property
    def source(self) -> MersenneTwister:
        """The stream itself, made when first needed."""
        if self._source is None:
            seed = _unforeseeable() if self._seed is None else self._seed
            self._source = MersenneTwister(seed)
        return self._source

    @property
    def device(self) -> device:
        return CPU

    def manual_seed(self, seed: int) -> Generator:
        """Restart from `seed`, -2**63 <= seed < 2**64; a negative one counts from 2**64 down.

        Raises RuntimeError if it is not an int, ValueError if it is out of range.
        """
        if not isinstance(seed, (int, np.integer)) or isinstance(seed, bool):
            raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
        if not -(1 << 63) <= seed < 1 << 64:
            raise ValueError("Overflow when unpacking long long")
        self._restart(int(seed) % (1 << 64))
        return self

    def _restart(self, seed: int) -> None:
        if self._source is None:
            self._source = MersenneTwister(seed)
        else:
            self._source.seed(seed)

    def seed(self) -> int:
        """Restart from a seed that cannot be foreseen, and return it."""
        chosen = _unforeseeable()
        self._restart(chosen)
        return chosen

    def initial_seed(self) -> int:
        """The seed that the stream was last started from."""
        return self.source.initial_seed

    def get_state(self) -> Tensor:
        """The state as a uint8 tensor of 5056 bytes, the same bytes as torch's."""
        return wrap(self.source.get_state())

    def set_state(self, new_state: Tensor) -> Generator:
        """Continue from a saved state.  Raises TypeError or RuntimeError if it is not one."""
        if not isinstance(new_state, Tensor):
            raise TypeError(f"expected a torch.ByteTensor, but got {type(new_state).__name__}")
        if new_state._array.dtype != np.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        self.source.set_state(new_state._array)
        return self

    def clone_state(self) -> Generator:
        """A new generator that stands where this one stands."""
        return Generator().set_state(self.get_state())

    def get_offset(self) -> int:
        """Never returns: an offset is something GPU generators have."""
        raise RuntimeError("CPU Generator does not use offset")

    def set_offset(self, offset: int) -> Generator:
        """Never returns: an offset is something GPU generators have."""
        raise RuntimeError("CPU Generator does not use offset")

    def __reduce__(self) -> Any:
        return _rebuild, (self.get_state()._array,)


def _rebuild(state: np.ndarray) -> Generator:
    return Generator().set_state(wrap(state))


def _unforeseeable() -> int:
    return int.from_bytes(os.urandom(8), "little")


def _check_device(where: Any) -> None:
    kind = where.type if isinstance(where, device) else device(where).type
    if kind == "cuda":
        raise RuntimeError(
            "Cannot get CUDA generator without ATen_cuda library: this engine computes on the CPU"
        )
    if kind != "cpu":
        raise RuntimeError(f"Device type {kind} is not an accelerator of this engine")


default_generator = Generator()
default_generator._seed = None  # drawn from the operating system when first used


def source_of(generator: Generator | None) -> MersenneTwister:
    """The stream of `generator`, or the default one.  Raises TypeError for anything else."""
    if generator is None:
        return default_generator.source
    if not isinstance(generator, Generator):
        raise TypeError(
            f"argument 'generator' must be torch.Generator, not {type(generator).__name__}"
        )
    return generator.source


# ---- torch.random: the same for the default generator --------------------------------------------


def manual_seed(seed: Any) -> Generator:
    """Seed the default generator, and return it."""
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Seed the default generator unforeseeably, and return the seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed the default generator was last started from."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The default generator's state, a uint8 tensor."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Continue the default generator from a saved state."""
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(
    devices: Any = None,
    enabled: bool = True,
    _caller: str = "fork_rng",
    _devices_kw: str = "devices",
    device_type: str | None = None,
) -> Iterator[None]:
    """Inside `with`, draw as you like: afterwards the default generator is as it was before.

    `devices` names accelerators to do the same for; there are none.
    """
    before = get_rng_state() if enabled else None
    try:
        yield
    finally:
        if before is not None:
            set_rng_state(before)
