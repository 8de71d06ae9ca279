"""Mutation run: spoil every gradient rule and every result in turn; do the op's samples notice?

    python -m parity mutate -k "sin or conv" --kinds sign,factor --json mutants.json

The mutants of an op are those of its results (each form, each output) and of every gradient rule
that its samples record.  One is killed as soon as one sample deviates from torch that did not
before.  Survivors are named; those that change nothing that could be seen (a gradient that is zero,
operands of a commutative op) are counted apart, with the reason; of an op that has no derivative,
says torch's own backward pass, there are no rules to spoil.  Exit code 1 if any survived, 2 if
an op could not be judged: with a mutant of it the process hung (--op-limit), or ended.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import options
from .crew import Limit, Worker, in_processes
from .engines import EngineError, open_engine
from .files import make_room
from .options import LIMIT
from .outcome import Verdict
from .runner import Key, op_name, ops_to_compare, shard
from .tasks import At, nowhere

KILLED, SURVIVED, EQUIVALENT, UNJUDGED = "killed", "survived", "equivalent", "not judged"
IMPOSSIBLE = "no mutant"  # there was nothing to exchange: not counted
STATES = (KILLED, EQUIVALENT, UNJUDGED, SURVIVED)


@dataclass
class Judged:
    """One mutant's fate; `why`: what noticed it, or why nothing could."""

    mutant: str
    kind: str
    state: str
    why: str = ""


@dataclass
class OpMutants:
    """All the mutants of one op.  `failed`: why it could not be judged at all."""

    namespace: str
    name: str
    mutants: list[Judged] = field(default_factory=list)
    unclean: list[str] = field(default_factory=list)
    seconds: float = 0.0
    failed: str = ""

    @property
    def op(self) -> str:
        return op_name((self.namespace, self.name))

    @property
    def verdict(self) -> Verdict:
        """For the progress bar: a survivor is a deviation."""
        bad = self.failed or any(m.state == SURVIVED for m in self.mutants)
        return Verdict.MISMATCH if bad else Verdict.IDENTICAL

    def count(self, state: str) -> int:
        return sum(m.state == state for m in self.mutants)


def judge_op(
    ours: str,
    theirs: str,
    key: Key,
    kinds: tuple[str, ...],
    begun: At = nowhere,
) -> OpMutants:
    """Every mutant of one op; `begun` is called before each with its text."""
    from .judge import Jury

    started = time.perf_counter()
    found = OpMutants(*key)
    jury = Jury(open_engine(ours), open_engine(theirs), key)
    for mutant in jury.mutants(kinds):
        begun(str(mutant))
        state, why = jury.judge(mutant)
        if state != IMPOSSIBLE:
            found.mutants.append(Judged(str(mutant), mutant.kind, state, why))
    found.unclean = sorted(jury.unclean)
    found.seconds = time.perf_counter() - started
    return found


def work(pipe: Any, ours: str, theirs: str) -> None:
    """A worker of crew.py: receive (key, kinds), send back OpMutants, until None comes."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from .runner import limit_threads

    for spec in (ours, theirs):
        limit_threads(open_engine(spec))
    pipe.send("")
    while (item := pipe.recv()) is not None:
        key, kinds = item
        pipe.send(judged_safely(ours, theirs, key, kinds, pipe.send))


def judged_safely(
    ours: str, theirs: str, key: Key, kinds: tuple[str, ...], begun: At
) -> OpMutants:
    """`judge_op`; an exception in the laboratory itself is shown instead of a result."""
    import traceback

    try:
        return judge_op(ours, theirs, key, kinds, begun)
    except Exception:
        return OpMutants(*key, failed=traceback.format_exc(limit=-3))


def died(worker: Worker) -> OpMutants:
    """The result of an op whose mutant ended its process."""
    (namespace, name), _ = worker.key
    return OpMutants(namespace, name, failed=worker.ended())


def late(worker: Worker, why: str) -> OpMutants:
    """The result of an op whose mutant hangs."""
    (namespace, name), _ = worker.key
    where = worker.at or "before its first mutant"
    return OpMutants(namespace, name, failed=f"{why}, stopped in {where} (--op-limit)")


# ---- the command ---------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from .mutants import KINDS

    def kinds(text: str) -> tuple[str, ...]:
        unknown = [k for k in text.split(",") if k not in KINDS]
        if unknown:
            raise argparse.ArgumentTypeError(
                f"no kind {unknown[0]!r}; there are {', '.join(KINDS)}"
            )
        return tuple(text.split(","))

    options.add(
        parser, "pattern", "ours", "theirs", "shard", "processes", "op_limit",
        pattern="only ops that match", shard="only every n-th op, from the i-th",
        ours="the engine that is spoiled (default: minitorch_ref)",
        op_limit=f"stop an op that tries one mutant for so long (default: {LIMIT:g})",
    )  # fmt: skip
    add = parser.add_argument
    add("--kinds", type=kinds, default=KINDS, metavar="KIND,…", help=f"of {', '.join(KINDS)}")
    add("--json", metavar="FILE", help="write every survivor and all counts there")


def main(args: argparse.Namespace) -> int:
    """Judge, print, write; 0, 1 if a mutant survived, 2 if an op could not be judged."""
    from .compare import Lab
    from .progress import Progress

    lab = Lab(open_engine(args.ours), open_engine(args.theirs))
    if lab.ours.is_torch:
        raise EngineError("torch's own gradient rules cannot be spoiled: name another --ours")
    keys = ops_to_compare(lab, args.pattern)[shard(args.shard)]
    if not keys:
        raise EngineError(f"nothing matches -k {args.pattern!r}")
    if args.json:
        make_room(Path(args.json))
    with Progress() as progress:
        progress.start("mutants", len(keys))
        found = _judge(args, keys, progress.done)
    settle(found)
    _print(found)
    if args.json:
        _write(Path(args.json), found)
    return 2 if any(r.failed for r in found) else int(any(not r.verdict.ok for r in found))


def _judge(args: argparse.Namespace, keys: list[Key], done: Any) -> list[OpMutants]:
    engines = args.ours, args.theirs
    every: Iterable[OpMutants]
    if args.processes == 0:
        every = (judged_safely(*engines, key, args.kinds, nowhere) for key in keys)
    else:
        items, limit = [(k, args.kinds) for k in keys], Limit(silence=args.op_limit or LIMIT)
        every = in_processes(work, engines, items, args.processes, died, late, limit)
    results = []
    for result in every:
        results.append(result)
        done(result)
    return sorted(results, key=lambda r: r.op)


def killed_terms(found: list[OpMutants]) -> set[str]:
    """The terms of rules whose loss was noticed, by the place of the rule in the source."""
    spoiled = (m for r in found for m in r.mutants if m.kind == "term")
    return {m.mutant.partition(" (")[2] for m in spoiled if m.state == KILLED}


def settle(found: list[OpMutants]) -> None:
    """A term that one op's samples never reach is noticed if those of another with its rule do."""
    killed = killed_terms(found)
    for mutant in (m for r in found for m in r.mutants):
        if mutant.state == SURVIVED and mutant.mutant.partition(" (")[2] in killed:
            mutant.state, mutant.why = KILLED, "by the samples of another op with this rule"


def totals(found: list[OpMutants]) -> dict[str, Counter]:
    """Mutants by kind and state."""
    counts: dict[str, Counter] = {}
    for mutant in (m for r in found for m in r.mutants):
        counts.setdefault(mutant.kind, Counter())[mutant.state] += 1
    return counts


def _print(found: list[OpMutants], most: int = 60) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(width=None if Console().is_terminal else 130)
    table = Table(title=f"mutants of {len(found)} ops", title_justify="left")
    for name in ("kind", "mutants", *STATES, "caught"):
        table.add_column(name, justify="left" if name == "kind" else "right")
    counts = totals(found)
    everything: Counter = sum(counts.values(), Counter())
    for kind, count in [*counts.items(), ("all", everything)]:
        cells = [str(count[s] or "") for s in STATES]
        share = f"{caught(count):.2%}" if count[KILLED] + count[SURVIVED] else ""
        table.add_row(kind, str(count.total()), *cells, share)
    console.print(table)
    lines = [f"[red]{r.op}[/] {escape(r.failed.strip())}" for r in found if r.failed]
    lines += [f"[yellow]{r.op}[/] deviates unmutated: {r.unclean[0]}" for r in found if r.unclean]
    lines += [
        f"[red]{r.op}[/] {escape(f'{m.mutant}: {m.why}')}"
        for r in found
        for m in r.mutants
        if m.state == SURVIVED
    ]
    for line in lines[:most]:
        console.print(line, highlight=False)
    if len(lines) > most:
        console.print(f"… and {len(lines) - most} more; --json FILE lists them")


def caught(count: Counter) -> float:
    """The share of the mutants that could be noticed that were."""
    return count[KILLED] / max(1, count[KILLED] + count[SURVIVED])


def _write(path: Path, found: list[OpMutants]) -> None:
    import json

    from .session import write_atomically

    counts = totals(found)
    everything: Counter = sum(counts.values(), Counter())
    reasons = Counter(m.why for r in found for m in r.mutants if m.state == EQUIVALENT)
    data = {
        "ops": len(found),
        "caught": caught(everything),
        "counts": {"all": everything, **counts},
        "equivalent": reasons,
        "failed": {r.op: r.failed for r in found if r.failed},
        "unclean": {r.op: r.unclean for r in found if r.unclean},
        "noticed terms": sorted(killed_terms(found)),
        "seconds": {r.op: round(r.seconds, 2) for r in found},
        **{
            state: {
                r.op: {m.mutant: m.why for m in r.mutants if m.state == state}
                for r in found
                if r.count(state)
            }
            for state in (SURVIVED, UNJUDGED)
        },
    }
    write_atomically(path, json.dumps(data, indent=1))
