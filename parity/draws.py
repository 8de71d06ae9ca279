"""The ledger of random draws: who took how many words from which generator, and where two runs part.

    python -m parity draws script.py [-- arg …] --a torch:cpu --b minitorch_ref
    python -m parity draws a.trail b.trail                 recorded elsewhere with --record

A line of the ledger is one op that moved a generator: its seed, its offset in words since it was
seeded, how many words were taken, the distribution and its numbers, the shape, the call site.  The
answer is the first draw that two ledgers do not share; everything random after it is different.

On the CPU torch's generator is a Mersenne Twister whose state says which words are used, but not how
often it was refilled; that is counted by running a twister of our own beside it.  A GPU's generator
(Philox) knows its offset, in words per thread.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from . import trail
from .engines import Engine, EngineError
from .pairs import differing_args
from .trail import Sites, TrailError, Writer, floats_in, summary, tensors_in, written
from .trail_processes import Run, add_record, add_runs, ended, record_all, record_only
from .watch import watching

BLOCK = 624
FARTHEST = 20_000  # refills that are counted; 12 million words in one draw


class Twister:
    """Counts a Mersenne Twister's words from the states it is shown."""

    def __init__(self) -> None:
        self.seed: int | None = None
        self.offset = 0

    def _restart(self, seed: int) -> None:
        self.bits = np.random.MT19937(0)
        np.random.RandomState(self.bits).seed(seed & 0xFFFFFFFF)
        self.seed, self.refills = seed, 0

    def _key(self) -> np.ndarray:
        return self.bits.state["state"]["key"]

    def look(self, state: np.ndarray) -> int | None:
        """Words used since seeding, given torch's 5056 bytes; None if that cannot be told."""
        seed = int(state[:8].view("<u8")[0])
        used = int(state[16:24].view("<u8")[0])
        block = state[24 : 24 + 8 * BLOCK].view("<u8").astype(np.uint32)
        fresh = used == 0 and int(state[8:12].view("<i4")[0]) == 1
        if seed != self.seed or fresh:
            self._restart(seed)
        for _ in range(2):
            for _ in range(FARTHEST):
                if np.array_equal(self._key(), block):
                    return (self.refills - 1) * BLOCK + used if self.refills else 0
                self.bits.random_raw(BLOCK)
                self.refills += 1
            self._restart(seed)  # it may have been seeded again with the same seed
        return None


class Ledger:
    """A `Watcher` that writes a line for every op that moved a generator."""

    def __init__(self, engine: Engine, writer: Writer) -> None:
        self.engine, self.writer = engine, writer
        package = Path(str(engine.module.__file__)).parent
        inner = [p for p in package.iterdir() if p.name != "programs"]
        self.sites = Sites(str(Path(__file__).parent), *map(str, inner))
        self.known: dict[int, tuple[Any, str, Twister]] = {}
        self.last: dict[str, Any] = {}

    def around(self, name: str, function: Callable, args: tuple, kwargs: dict) -> Any:
        """Call, and write a line if the generator stands elsewhere afterwards."""
        generator, label, twister = self._generator(args, kwargs)
        before = self._state(generator)
        if label in self.last and not np.array_equal(self.last[label], before):
            self._unseen(label, twister, before)
        result = function(*args, **kwargs)
        after = self._state(generator)
        self.last[label] = after
        if not np.array_equal(before, after):
            at, line = self.sites.find()
            start, end = self._place(twister, before), self._place(twister, after)
            out = [summary(self.engine.array(t)) for t in tensors_in(result, self.engine)]
            self.writer.add(
                op=name, way="draw", at=at, line=line, **{"in": []}, out=out,
                args=floats_in((args, kwargs)), generator=label, **_words(start, end),
                pure=name.endswith("_") or not tensors_in((args, kwargs), self.engine),
            )  # fmt: skip
        return result

    def _generator(self, args: tuple, kwargs: dict) -> tuple[Any, str, Twister]:
        found = self.engine.generator(args, kwargs)
        if id(found) not in self.known:
            default = found is self.engine.generator()
            label = "default" if default else f"#{len(self.known)}"
            self.known[id(found)] = found, label, Twister()  # held: an id is used again
        return self.known[id(found)]

    def _state(self, generator: Any) -> np.ndarray:
        return np.array(self.engine.array(generator.get_state()))

    def _place(self, twister: Twister, state: np.ndarray) -> tuple[int, int | None]:
        """(seed, offset)."""
        if state.size == 16:  # a GPU's: seed and offset
            seed, offset = state.view("<i8")
            return int(seed) % (1 << 64), int(offset)
        return int(state[:8].view("<u8")[0]), twister.look(state)

    def _unseen(self, label: str, twister: Twister, now: np.ndarray) -> None:
        """The generator moved between two ops: seeded, or drawn from behind our back."""
        start = self._place(twister, self.last[label])
        end = self._place(twister, now)
        if start[0] == end[0] and end[1]:
            at, line = self.sites.find()
            self.writer.add(
                op="(between ops)", way="draw", at=at, line=line, **{"in": []}, out=[],
                args=[], generator=label, **_words(start, end),
            )  # fmt: skip


def _words(start: tuple, end: tuple) -> dict[str, Any]:
    known = start[1] is not None and end[1] is not None and start[0] == end[0]
    words = end[1] - start[1] if known else None
    return {"seed": start[0], "offset": start[1], "words": words}


# ---- comparing -----------------------------------------------------------------------------------

FIELDS = ("op", "generator", "seed", "offset", "words")


@dataclass
class Parting:
    """The first draw that differs: its number from 1, both sides (None: it is not there)."""

    draws: int
    a: dict | None = None
    b: dict | None = None
    what: str = ""

    @property
    def ok(self) -> bool:
        return not self.what


def compare(path_a: Path, path_b: Path) -> tuple[Parting, str, str]:
    """The first draw that two ledgers do not share, and the engines' names."""
    (head_a, a), (head_b, b) = _read(path_a), _read(path_b)
    names = str(head_a.get("engine")), str(head_b.get("engine"))
    count, previous = 0, None
    for x, y in zip_longest(a, b):
        what = _difference(x, y, names)
        if what:
            if x and y and x.get("offset") != y.get("offset") and previous is not None:
                what += f"; the draw before it took {previous} words on both sides"
            return Parting(count, x, y, what), *names
        count += 1
        previous = x["words"]
    return Parting(count), *names


def _read(path: Path) -> tuple[dict, Iterator[dict]]:
    """A trail that was recorded with its draws; TrailError if it is another one."""
    head, records = trail.read(path)
    if head.get("kind") != "draws":
        raise TrailError(f"{path}:1: a trail of ops, no ledger of draws")

    def checked() -> Iterator[dict]:
        for line, record in enumerate(records, 2):
            missing = [f for f in FIELDS if f not in record]
            if missing:
                raise TrailError(f"{path}:{line}: not a draw: it has no {', '.join(missing)}")
            yield record

    return head, checked()


def _difference(x: dict | None, y: dict | None, names: tuple[str, str]) -> str:
    if x is None or y is None:
        return f"only {names[y is not None]} draws here"
    unlike = [f for f in FIELDS if x.get(f) != y.get(f)]
    if differing_args(x, y):
        unlike.append("args")
    shapes = [[(t["t"], t["s"]) for t in r["out"]] for r in (x, y)]
    if shapes[0] != shapes[1] and x["op"] == y["op"]:
        unlike.append("shape")
    if unlike:
        return "different " + ", ".join(unlike)
    bits = [[t["d"] for t in r["out"]] for r in (x, y)]
    if bits[0] != bits[1] and x.get("pure"):  # not dropout, which depends on what it is given
        return "the same words, other numbers"
    return ""


def describe(found: Parting, a: str, b: str) -> str:
    """The answer in plain text."""
    if found.ok:
        return f"{found.draws} draws, all the same on {a} and {b}"
    lines = [f"draw {found.draws + 1} desynchronises: {found.what}"]
    for name, record in ((a, found.a), (b, found.b)):
        if record is None:
            lines.append(f"  {name}: no draw")
            continue
        shape = ", ".join(f"{t['t']} {t['s']}" for t in record["out"])
        lines += [
            f"  {name}: {record['op']} {shape} at {record['at']}",
            f"      {record['line']}",
            f"      generator {record['generator']} seed {record['seed']}, offset "
            f"{record['offset']}, {record['words']} words, numbers {record['args']}",
        ]
    return "\n".join(lines)


# ---- the command ---------------------------------------------------------------------------------


def record(engine: Engine, path: Path, program: Callable[[], None], **header: Any) -> str:
    """Write the ledger of `program()`; the exception that ended it, or an empty string."""
    writer = Writer(path, engine=engine.name, kind="draws", **header)

    def watched() -> None:
        with watching(engine, Ledger(engine, writer)):
            program()

    return written(writer, watched)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    script = "a script written for torch, or a recorded ledger"
    add_runs(parser, script, "its arguments (after --), or the other ledger", "the ledgers")
    add_record(parser)


def main(args: argparse.Namespace) -> int:
    """0 the draws are the same, 1 they part, 2 could not run (raises)."""
    if args.script.endswith(".trail"):
        if len(args.rest) != 1:
            raise EngineError("draws a.trail b.trail: needs two ledgers")
        paths = [Path(args.script), Path(args.rest[0])]
    elif args.record:
        return record_only(args, ("--draws",))
    else:
        stem = Path(args.keep) / Path(args.script).stem
        paths = [stem.with_suffix(f".draws-{side}.trail") for side in "ab"]
        runs = [Run(s, p, ("--draws",)) for s, p in zip((args.a, args.b), paths, strict=True)]
        record_all(runs, args.script, args.rest, args.time_limit)
        ended(paths[0], args.time_limit)
    found, a, b = compare(*paths)
    print(describe(found, a, b))
    return 0 if found.ok else 1
