"""The Mersenne Twister MT19937 as torch's CPU generator runs it: its words, and its state's bytes.

NumPy has the same generator, seeded the same way, so the words come from NumPy in bulk.  What torch
adds around it: seeds of 64 bits (the low 32 fill the state, all of them are remembered), one normal
number kept back by Box-Muller, and a layout of its own for the saved state:

    offset  type           field
         0  uint64         the initial seed
         8  int32, int32   words left in this block of 624, plus one; "is seeded"
        16  uint64         words of this block already used
        24  uint64 x 624   the block, before tempering (32 bits of each are used)
      5016  float64 x 3    unused; the kept normal number; unused
      5040  int32          whether a normal number is kept
      5048  float32, bool  the same in single precision, which the CPU generator never fills

(source: ATen/CPUGeneratorImpl.cpp and ATen/core/MT19937RNGEngine.h, the layout of get_rng_state)
"""

from __future__ import annotations

import numpy as np

BLOCK = 624
STATE_BYTES = 5056
_LAYOUT = np.dtype(
    {
        "names": ["seed", "left", "seeded", "next", "block", "normal", "has_normal", "float_cache"],
        "formats": ["<u8", "<i4", "<i4", "<u8", ("<u8", BLOCK), "<f8", "<i4", ("u1", 8)],
        "offsets": [0, 8, 12, 16, 24, 5024, 5040, 5048],
        "itemsize": STATE_BYTES,
    }
)


class MersenneTwister:
    """One stream of words.  `next_normal` is Box-Muller's second number, waiting for its turn."""

    __slots__ = ("_bits", "_seeder", "_untouched", "_float_cache", "initial_seed", "next_normal")

    def __init__(self, seed: int) -> None:
        self._bits = np.random.MT19937(0)
        self._seeder = np.random.RandomState(self._bits)
        self.seed(seed)

    def seed(self, seed: int) -> None:
        """Start the stream of `seed` (0 <= seed < 2**64) from its beginning."""
        self._seeder.seed(seed & 0xFFFFFFFF)
        self.initial_seed = seed
        self.next_normal: float | None = None
        self._untouched = True
        self._float_cache = bytes(8)

    def words(self, count: int) -> np.ndarray:
        """The next `count` words, each in a uint64."""
        if count:
            self._untouched = False
        return self._bits.random_raw(count)

    def word(self) -> int:
        """The next word."""
        self._untouched = False
        return self._bits.random_raw()

    def wide_words(self, count: int) -> np.ndarray:
        """The next `count` 64-bit words: two words each, the first one on top."""
        pairs = self.words(2 * count)
        wide = pairs[0::2] << np.uint64(32)
        return np.bitwise_or(wide, pairs[1::2], out=wide)

    def get_state(self) -> np.ndarray:
        """The state as torch's 5056 bytes."""
        record = np.zeros((), _LAYOUT)
        state = self._bits.state["state"]
        used = 0 if self._untouched else state["pos"]
        record["seed"], record["seeded"] = self.initial_seed, 1
        record["left"], record["next"] = (1, 0) if self._untouched else (BLOCK + 1 - used, used)
        record["block"] = state["key"]
        if self.next_normal is not None:
            record["normal"], record["has_normal"] = self.next_normal, 1
        record["float_cache"] = np.frombuffer(self._float_cache, np.uint8)
        return np.frombuffer(record.tobytes(), np.uint8).copy()

    def set_state(self, state: np.ndarray) -> None:
        """Continue from a state that `get_state`, here or in torch, has written.

        Raises RuntimeError if the bytes are not 5056 or are not such a state.
        """
        if state.size != STATE_BYTES:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {STATE_BYTES} but found the input RNG "
                f"state size to be {state.size}"
            )
        record = np.frombuffer(np.ascontiguousarray(state).tobytes(), _LAYOUT)[0]
        left, used = int(record["left"]), int(record["next"])
        if not (record["seeded"] and 0 < left <= BLOCK and used <= BLOCK):
            raise RuntimeError("Invalid mt19937 state")
        position = BLOCK if left == 1 else used
        key = record["block"].astype(np.uint32)
        self._bits.state = {"bit_generator": "MT19937", "state": {"key": key, "pos": position}}
        self._untouched = left == 1 and used == 0
        self.initial_seed = int(record["seed"])
        self.next_normal = float(record["normal"]) if record["has_normal"] else None
        self._float_cache = record["float_cache"].tobytes()
