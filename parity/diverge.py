"""The first divergence of two runs: the first op whose inputs agree and whose output differs.

    python -m parity diverge script.py [-- arg …] --a torch:cpu --b minitorch_ref
    python -m parity diverge script.py --record run.trail --a torch:cuda      on one machine …
    python -m parity diverge a.trail b.trail [null.trail …]                   … compared on another

Each engine runs the script in a process of its own and streams a trail (see trail.py); the trails
are then read side by side, in memory that does not grow with them.  Two answers may differ.

*First divergence*: the inputs have the same bits, the output has not.  That is often a last bit
which one of the two rounds otherwise, so the null model is run as well: engine a again, several
times, every number moved by up to an ULP.

*First beyond rounding*: the first record whose inputs are as close as in those runs and whose output
is further away than they predict, at one false alarm in a thousand programs (Student's t, divided
among all records); or whose inputs are further away though no op before it made them so: then what
only one side did in between is named.  Exit code 1 if there is one.
"""

from __future__ import annotations

import argparse
import itertools
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from . import options, trail
from .engines import EngineError
from .explain import relation
from .pairs import FAR, Pair, Unpaired, align, differing_args, key_of
from .trail_processes import Run, add_record, add_runs, ended, record_all, record_only

NULL_RUNS = 5
ALARMS = 1e-3  # false alarms per program


@dataclass
class Finding:
    """What the comparison of two trails says; `a` and `b` name the engines."""

    a: str
    b: str
    null_runs: int = 0
    pairs: int = 0
    same: int = 0
    unpaired: Unpaired = field(default_factory=Unpaired)
    first: Pair | None = None  # same bits in, other bits out
    entered: Pair | None = None  # inputs differ though nothing before it did
    stream: Pair | None = None  # the random stream stands elsewhere
    layout: Pair | None = None  # the same words drawn into memory of another order
    jump: Pair | None = None  # inputs inside the null band, output outside
    strayed: Pair | None = None  # inputs outside it, and no op before it to blame
    suspects: list[tuple[int, dict]] = field(default_factory=list)  # unpaired, just before that
    errors: tuple[str, str] = ("", "")
    made: Recent = field(default_factory=lambda: Recent())

    @property
    def same_bits(self) -> bool:
        """The trails agree, bit by bit, in everything that could be paired."""
        return not (self.first or self.entered or self.stream or self.beyond)

    @property
    def beyond(self) -> Pair | None:
        """The first pair that rounding does not explain."""
        return self.jump or self.strayed

    @property
    def ok(self) -> bool:
        """Rounding explains everything (without a null model: the bits are the same)."""
        explained = self.null_runs > 0 and not self.beyond and not self.stream
        return (self.same_bits or explained) and self.errors[0] == self.errors[1]

    def look(self, pair: Pair) -> None:
        """Take one more pair into account."""
        self.pairs += 1
        inputs, outputs = pair.inputs, pair.outputs
        self.same += inputs == outputs == 0
        if pair.stream and not (self.stream or self.first):
            self.stream = pair
        saved = self.made.close(pair)  # what a backward step has from its forward op
        if not (self.first or self.entered):
            if inputs > 0 or not pair.arguments:
                self.entered = pair
            elif outputs > 0 and saved:
                self.first = pair
        near, far = pair.a.get("band", (0.0, 0.0)) if self.null_runs else (0.0, 0.0)
        self.made.add(pair, inputs <= near and outputs <= far)
        before = self.unpaired.take()
        if self.beyond or self.layout or "band" not in pair.a:
            return
        if inputs > near and outputs > far:  # a sum of numbers in another order comes home
            self.strayed, self.suspects = pair, before
        elif inputs <= near and outputs > far and saved:
            self.layout, self.jump = (pair, None) if pair.layout else (None, pair)


class Recent:
    """Of the latest forward pairs, whether they were as close as rounding allows."""

    MOST = 1 << 16

    def __init__(self) -> None:
        self.pairs: OrderedDict[int, tuple[int, bool]] = OrderedDict()

    def add(self, pair: Pair, close: bool) -> None:
        """Remember a pair by the number of its record on side a."""
        if pair.a["way"] == "forward":
            self.pairs[pair.a["i"]] = pair.b["i"], close
            if len(self.pairs) > self.MOST:
                self.pairs.popitem(last=False)

    def close(self, pair: Pair) -> bool:
        """Whether the ops that made the nodes of a backward pair were a pair, and close."""
        if pair.a["way"] != "backward" or "of" not in pair.a:
            return True
        other, close = self.pairs.get(pair.a["of"], (pair.b.get("of"), True))
        return close and other == pair.b.get("of", other)


def compare(path_a: Path, path_b: Path, nulls: list[Path] | None = None) -> Finding:
    """Read two trails (and the null runs of the first) and find where they part."""
    head_a, a = _read(path_a)
    head_b, b = _read(path_b)
    found = Finding(str(head_a.get("engine")), str(head_b.get("engine")), len(nulls or ()))
    if nulls:
        a = with_bands(a, [_read(n)[1] for n in nulls], _count(path_a))
    for pair in align(a, b, found.unpaired):
        found.look(pair)
    found.errors = head_a.get("error", ""), head_b.get("error", "")
    return found


def _read(path: Path) -> tuple[dict, Iterator[dict]]:
    """A trail of ops; TrailError if it is another one."""
    head, records = trail.read(path)
    if head.get("kind") == "draws":
        raise trail.TrailError(f"{path}:1: a ledger of draws, no trail of ops: use parity draws")
    if "kind" in head:
        raise trail.TrailError(f"{path}:1: a trail of {head['kind']}, none of ops")
    return head, records


def with_bands(records: Iterator[dict], nulls: list[Iterator[dict]], count: int) -> Iterator[dict]:
    """The records, each with `band`: how far inputs and outputs may be for rounding's sake."""
    from scipy.stats import t

    factor = float(t.ppf(1 - ALARMS / max(count, 1) / 2, len(nulls)))
    for record in records:
        moved = [next(n, None) for n in nulls]
        pairs = [Pair(record, m) for m in moved if m is not None and key_of(m) == key_of(record)]
        if len(pairs) < len(nulls):  # the perturbed program took another way: no statement
            yield record
            continue
        apart = np.array([(p.inputs, p.outputs) for p in pairs])
        limits = np.maximum(2.0, factor * np.sqrt(np.mean(apart**2, axis=0)))
        yield {**record, "band": limits.tolist()}


def _count(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)


# ---- saying it -----------------------------------------------------------------------------------


def describe(found: Finding) -> str:
    """The answer in plain text."""
    a, b = found.a, found.b
    lines = [
        f"{found.pairs} records paired, {found.same} bit-identical; "
        f"{found.unpaired.counts[0]} only on {a}, {found.unpaired.counts[1]} only on {b}"
    ]
    if found.same_bits:
        lines.append("no divergence: every paired record has the same bits on both sides")
    if found.stream:
        lines += ["", "the random streams part: before this draw they stand at different places"]
        lines += _pair(found.stream, a, b)
    if found.first:
        lines += ["", "first divergence: the inputs have the same bits, the output has not"]
        lines += _pair(found.first, a, b)
    elif found.entered:
        lines += ["", "first difference: it comes in as an input or argument, from outside the ops"]
        lines += _pair(found.entered, a, b)
    if found.layout:
        lines += [
            "",
            "explained: both drew the same words here, in the order of their memory, which",
        ]
        lines[-1] += " differs; from here on the numbers are others"
        lines += _pair(found.layout, a, b)
    if found.jump:
        lines += ["", "first beyond rounding: the null model does not reach the output's distance"]
        lines += _pair(found.jump, a, b)
    elif found.strayed:
        lines += ["", "first beyond rounding: an input is further off than in the null model,"]
        lines[-1] += " and no op that both ran made it so"
        lines += _suspects(found, (a, b)) + _pair(found.strayed, a, b)
    elif found.null_runs and not found.same_bits:
        lines += ["", f"nothing beyond rounding: all inside the band of {found.null_runs} runs of"]
        lines[-1] += f" {a} with every number moved by up to an ULP"
        lines[-1] += ", up to that draw" if found.layout else ""
    for engine, error in zip((a, b), found.errors, strict=True):
        if error:
            lines += ["", f"{engine} ended with {error}"]
    return "\n".join(lines)


def _suspects(found: Finding, names: tuple[str, str], most: int = 4) -> list[str]:
    """What only one side did just before it."""
    ranked = sorted(found.suspects, key=lambda item: item[1]["way"] != "forward")
    lines = []
    for side, record in ranked[:most]:
        what = f"{record['op']}{KINDS.get(record['way'], '')} at {record['at']}"
        lines += [f"  only on {names[side]}, just before: {what}", f"      {record['line']}"]
    return lines


KINDS = {"forward": "", "backward": ", its backward pass,", "step": ""}


def _pair(pair: Pair, a: str, b: str) -> list[str]:
    lines = [
        f"  {pair.a['op']}{KINDS.get(pair.a['way'], '')} at {pair.a['at'] or '(no call site)'}",
        f"      {pair.a['line']}",
        f"  records {pair.a['i']} of {a} and {pair.b['i']} of {b}",
    ]
    band = f" (null band {pair.a['band'][1]:.3g})" if "band" in pair.a else ""
    lines.append(f"  inputs {_far(pair.inputs)}, outputs {_far(pair.outputs)}{band}")
    if differing_args(pair.a, pair.b):
        lines.append(f"  arguments: {pair.a.get('args')} and {pair.b.get('args')}")
    outs, others = pair.a["out"], pair.b["out"]
    names = pair.a.get("names") or [""] * len(outs)
    in_order = list(zip(outs, others, names, strict=False)) if len(outs) == len(others) else []
    anyhow = [(x, y, "") for x, y in itertools.product(outs, others)]
    for x, y, name in in_order or anyhow:
        if x["d"] != y["d"] and x["s"] == y["s"]:
            known = _relation(x, y, a)
            lines += [f"  {name} differs"] if name else []
            lines += [f"  {b}'s is {known}"] if known else []
            return [*lines, f"  {a}: {_brief(x)}", f"  {b}: {_brief(y)}"]
    return lines


def _relation(x: dict, y: dict, of: str) -> str:
    """What the values that the records have of two tensors say of one another."""
    if not x["t"].startswith("float") or "v" not in x or "v" not in y:
        return ""
    a, b = (np.array(t["v"] + t.get("f", []), x["t"]) for t in (x, y))
    return relation(b, a, f"{of}'s")


def _far(ulps: float) -> str:
    if ulps == 0:
        return "bit-identical"
    return "altogether different" if ulps == FAR else f"{ulps:.3g} ULP of the largest element apart"


def _brief(t: dict) -> str:
    values = ", ".join(f"{v:.9g}" for v in t.get("v", [])[:4])
    return f"{t['t']} {t['s']} digest {t['d']} values {values}"


# ---- the command ---------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    script = "a script written for torch, or a recorded trail"
    add_runs(parser, script, "its arguments (after --), or the other trails", "the trails")
    add_record(parser)
    add = parser.add_argument
    add("--nudge", type=int, metavar="SEED", help="with --record: a perturbed run")
    add("--null", type=options.at_least(0), default=NULL_RUNS, metavar="N",
        help=f"perturbed runs of engine a (default: {NULL_RUNS})")  # fmt: skip


def main(args: argparse.Namespace) -> int:
    """0 rounding explains all, 1 something is beyond it, 2 could not run (raises)."""
    nulls: list[Path] = []
    if args.script.endswith(".trail"):
        if not args.rest:
            raise EngineError("diverge a.trail b.trail [null.trail …]: needs two trails")
        path_a, path_b, *nulls = map(Path, [args.script, *args.rest])
    elif args.record:
        return record_only(args, () if args.nudge is None else ("--nudge", str(args.nudge)))
    else:
        stem = Path(args.keep) / Path(args.script).stem
        path_a, path_b = (stem.with_suffix(f".{side}.trail") for side in "ab")
        runs = [Run(args.a, path_a), Run(args.b, path_b)]
        record_all(runs, args.script, args.rest, args.time_limit)
        ended(path_a, args.time_limit)
        if args.null and not compare(path_a, path_b).same_bits:
            nulls = [stem.with_suffix(f".null{k}.trail") for k in range(1, args.null + 1)]
            runs = [Run(args.a, p, ("--nudge", str(k))) for k, p in enumerate(nulls, 1)]
            record_all(runs, args.script, args.rest, args.time_limit)
    found = compare(path_a, path_b, nulls)
    print(describe(found))
    return 0 if found.ok else 1
