"""torch's CUDA random streams on the CPU: Philox 4x32-10 and the geometry of the kernels that use it.

Philox is a function and no state: ten rounds of multiplying and mixing turn a counter of 128 bits
and a key of 64 into four random words.  On the GPU thread t of a launch works with

    key = the seed,   counter = (offset / 4 + n, t)   for its n-th block of four words,

and a launch of `numel` numbers has min(sm_count · threads_per_sm / 256, ⌈numel / 256⌉) blocks of 256
threads; thread t fills elements t, t + T, t + 2T, … (T threads in all), four per Philox block, two if
they are float64.  Afterwards the generator's offset has grown by four for each block of words that
a thread may have used, so the numbers depend on the GPU's size as soon as T is exhausted.

(sources: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011;
ATen/native/cuda/DistributionTemplates.h and Dropout.cu; cuRAND's device API)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
BLOCK = 256  # threads
WORDS = 4  # of one Philox block
_M = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_W = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)


def philox(counter: Array, key: tuple[int, int]) -> Array:
    """Four words for each row of `counter` (n, 4), as uint32; `key` is two words."""
    c = [np.asarray(counter[:, i], np.uint64) for i in range(4)]
    k0, k1 = key
    shift = np.uint64(32)
    for _ in range(10):
        p0, p1 = _M[0] * c[0], _M[1] * c[2]
        c = [
            (p1 >> shift) ^ c[1] ^ np.uint64(k0),
            p1 & _LOW,
            (p0 >> shift) ^ c[3] ^ np.uint64(k1),
            p0 & _LOW,
        ]
        k0, k1 = (k0 + _W[0]) & 0xFFFFFFFF, (k1 + _W[1]) & 0xFFFFFFFF
    return np.stack(c, 1).astype(np.uint32)


@dataclass(frozen=True)
class Geometry:
    """What of a GPU decides its streams (an A100: 108, 2048; a T4: 40, 1024; an H100: 132, 2048)."""

    sm_count: int
    threads_per_sm: int

    def threads(self, numel: int) -> int:
        """Threads of a launch over `numel` elements."""
        blocks = min(self.sm_count * (self.threads_per_sm // BLOCK), -(-numel // BLOCK))
        return BLOCK * blocks

    def consumed(self, numel: int, unroll: int = WORDS) -> int:
        """By how much the generator's offset grows."""
        if numel == 0:
            return 0
        return ((numel - 1) // (self.threads(numel) * unroll) + 1) * WORDS


A100, H100, T4 = Geometry(108, 2048), Geometry(132, 2048), Geometry(40, 1024)


class CudaGenerator:
    """A stream as `torch.Generator("cuda")` has it: a seed and an offset in words per thread.

    Methods give flat arrays of `numel` numbers and move the offset on, as torch's functions do.
    """

    def __init__(self, seed: int, offset: int = 0, geometry: Geometry = A100) -> None:
        if offset % WORDS:
            raise ValueError(f"an offset is a multiple of {WORDS}, got {offset}")
        self.seed, self.offset, self.geometry = seed % (1 << 64), offset, geometry

    def words(self, threads: Array, block: int) -> Array:
        """Block number `block` of the words of these threads, counted from the offset: (n, 4)."""
        place = self.offset // WORDS + block
        counter = np.empty((len(threads), 4), np.uint64)
        counter[:, 0], counter[:, 1] = place & 0xFFFFFFFF, (place >> 32) & 0xFFFFFFFF
        counter[:, 2], counter[:, 3] = threads & 0xFFFFFFFF, threads >> 32
        return philox(counter, (self.seed & 0xFFFFFFFF, self.seed >> 32))

    def _fill(self, numel: int, kind: str, make: Callable[[Array], Array], unroll: int) -> Array:
        """The grid-stride loop: each thread makes `unroll` numbers of a block of words."""
        out = np.empty(numel, kind)
        total = self.geometry.threads(numel) if numel else 0
        for block, first in enumerate(range(0, numel, max(total, 1) * unroll)):
            threads = np.arange(min(total, numel - first), dtype=np.int64)
            made = make(self.words(threads, block))
            for i in range(unroll):
                start = first + i * total
                end = min(start + total, numel)
                if end > start:
                    out[start:end] = made[: end - start, i]
        self.offset += self.geometry.consumed(numel, unroll)
        return out

    def rand(
        self, numel: int, dtype: str = "float32", low: float = 0.0, high: float = 1.0
    ) -> Array:
        """Uniform in [low, high): torch.rand, uniform_."""
        wide = dtype == "float64"
        made = self._fill(
            numel, dtype if wide else "float32", doubles if wide else floats, 4 - 2 * wide
        )
        one = made.dtype.type
        with np.errstate(over="ignore"):
            value = (made * one(high - low) + one(low)).astype(dtype)
        return np.where(value == np.dtype(dtype).type(high), np.dtype(dtype).type(low), value)

    def randn(self, numel: int, dtype: str = "float32") -> Array:
        """Normal numbers: torch.randn.  The GPU's sine and logarithm are approximate: see BITS."""
        wide = dtype == "float64"
        made = self._fill(
            numel, dtype if wide else "float32", normals64 if wide else normals, 4 - 2 * wide
        )
        return made.astype(dtype)

    def randint(self, low: int, high: int, numel: int, dtype: str = "int64") -> Array:
        """Integers in [low, high): torch.randint, random_(low, high)."""
        span = high - low
        if span >= 1 << 28:
            made = self._fill(numel, "uint64", pairs, 2)
        else:
            made = self._fill(numel, "uint64", lambda w: w.astype(np.uint64), 4)
        return ((made % np.uint64(span)).astype(np.int64) + low).astype(dtype)

    def bernoulli(self, p: float, numel: int) -> Array:
        """True with probability p: `x.bernoulli_(p)` of a float32 tensor."""
        return self._fill(numel, "float32", floats, 4) <= np.float32(p)

    def dropout(self, numel: int, p: float, itemsize: int = 4) -> Array:
        """The mask of what F.dropout keeps, for a contiguous tensor of `itemsize` bytes an element.

        The kernel reads vectors of 16 bytes: a thread's words go to neighbouring elements.
        """
        keep = np.float32(1 - p)
        width = max(16 // itemsize, 1)
        while width > 1 and numel % width:
            width //= 2
        if width == 1:
            return self._fill(numel, "float32", floats, 4) < keep
        before, total = self.offset, self.geometry.threads(numel)
        mask, blocks = np.empty(numel, bool), -(-width // 4)
        for step, first in enumerate(range(0, numel, total * width)):
            threads = np.arange(min(total, (numel - first) // width), dtype=np.int64)
            words = [floats(self.words(threads, step * blocks + b)) for b in range(blocks)]
            kept = np.concatenate(words, 1)[:, :width] < keep
            mask[first : first + kept.size] = kept.reshape(-1)
        self.offset = before + self.geometry.consumed(numel)
        return mask


BITS = "randn: within a few ULP of |2 log u|^(1/2); __sincosf and logf of the GPU are approximate"


# ---- words to numbers, four (or two) in a row: cuRAND's arithmetic ---------------------------------


def floats(words: Array) -> Array:
    """curand_uniform4: float32 in (0, 1]; the product and the sum are fused on the GPU."""
    exact = words.astype(np.float32).astype(np.float64) * 2.0**-32 + 2.0**-33
    return exact.astype(np.float32)


def doubles(words: Array) -> Array:
    """curand_uniform2_double: 53 bits of two words, in (0, 1]."""
    x, y = words[:, 0::2].astype(np.uint64), words[:, 1::2].astype(np.uint64)
    return (x ^ (y << np.uint64(21))).astype(np.float64) * 2.0**-53 + 2.0**-54


def pairs(words: Array) -> Array:
    """Two words as one of 64 bits, the first on top."""
    high, low = words[:, 0::2].astype(np.uint64), words[:, 1::2].astype(np.uint64)
    return high << np.uint64(32) | low


def normals(words: Array) -> Array:
    """curand_normal4: Box-Muller, sine before cosine, in float32."""
    u = floats(words[:, 0::2])
    angle = words[:, 1::2].astype(np.float32).astype(np.float64)
    unit = float(np.float32(2.0**-32) * np.float32(6.2831855))
    v = (angle * unit + unit / 2).astype(np.float32)
    radius = np.sqrt(np.float32(-2) * np.log(u))
    return np.stack([radius * np.sin(v), radius * np.cos(v)], 2).reshape(len(words), 4)


def normals64(words: Array) -> Array:
    """curand_normal2_double: one pair from four words."""
    u = doubles(words)
    radius, angle = np.sqrt(-2 * np.log(u[:, 0])), 2 * np.pi * u[:, 1]
    return np.stack([radius * np.sin(angle), radius * np.cos(angle)], 1)
