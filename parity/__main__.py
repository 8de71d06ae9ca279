"""`python -m parity`: compare ops, modules and programs, print a summary, write the report.

Exit codes: 0 parity, 1 a deviation, 2 the comparison could not run.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from . import options, tools

if TYPE_CHECKING:
    from .engines import Engine
    from .outcome import OpResult
    from .programs import ProgramResult
    from .progress import Progress
    from .session import Session

DESCRIPTION = """Compare minitorch_ref with PyTorch: every op, every module, three whole programs.
Exit codes: 0 parity, 1 a deviation, 2 the comparison could not run."""


OUT = "out/parity"


def arguments(argv: list[str]) -> argparse.ArgumentParser:
    """The command line; of the tools only the one that `argv` names has its options."""
    parser = argparse.ArgumentParser(
        prog="python -m parity",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add(parser, *options.SHARED)
    parts = parser.add_subparsers(dest="part", metavar="PART")
    for name, text, taken in (
        ("ops", "only the ops", options.OPS),
        ("modules", "only layers, losses, optimizers, schedulers", options.OPS),
        ("programs", "only the programs", options.OPS + options.PROGRAMS),
    ):
        part = parts.add_parser(name, help=text, description=f"Compare {text}.")
        options.add(part, *taken)
    part.add_argument(
        "names",
        nargs="*",
        metavar="PROGRAM",
        help="sigmoid_gd, admissions, lenet5, … (default: all)",
    )
    tools.register(parts, argv)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run and report; the exit code."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    argv = sys.argv[1:] if argv is None else argv
    parser = arguments(argv)
    args = options.settle(parser, parser.parse_args(argv))
    if not args.download:
        os.environ.setdefault("MINITORCH_OFFLINE", "1")
    from .engines import InputError

    try:
        return tools.run(args) if args.part in tools.TOOLS else _run(args)
    except (InputError, OSError) as error:
        print(f"parity: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("parity: interrupted; no report written", file=sys.stderr)
        return 2


def _run(args: argparse.Namespace) -> int:
    from . import atlas_run, hint, ledger, report, session
    from .compare import Lab
    from .engines import EngineError, open_engine
    from .files import make_room
    from .memory import PEAK
    from .progress import Progress, summary
    from .runner import limit_threads, op_name, ops_to_compare, shard

    args.share = shard(args.shard)
    folder = Path(args.out or OUT)
    if args.shard and not args.out:  # shards on one machine leave each other's report alone
        folder /= f"shard-{args.shard.replace('/', '-of-')}"
    ours, theirs = open_engine(args.ours), open_engine(args.theirs)
    for engine in (ours, theirs):
        limit_threads(engine)
    entries = ledger.load(Path(args.ledger)) if args.ledger else ledger.load()
    before = session.previous(folder / "parity.json")
    page = folder / "index.html"
    make_room(page)
    drawn = atlas_run.stored(Path(args.out or OUT) / "atlas.json")
    started = time.perf_counter()
    found = session.start(ours, theirs)
    found.entries, found.shard = entries, args.shard or ""
    with Progress(known=lambda result: ledger.apply(entries, [result])) as progress:
        if args.part in (None, "ops"):
            found.ops = _ops(args, ours, theirs, found, progress)
            found.atlas = _atlas(args, theirs, found.ops, drawn, progress)
        if args.part in (None, "modules"):
            found.modules = _modules(args, ours, theirs, progress)
        if args.part in (None, "programs"):
            found.programs = _programs(args, progress)
    if not (found.ops or found.modules or found.programs):
        where = f" in shard {args.shard}" if args.shard else ""
        raise EngineError(f"nothing matches -k {args.pattern!r}{where}")
    every = {op_name(key) for key in ops_to_compare(Lab(ours, theirs))}
    found.problems = ledger.apply(entries, found.ops + found.modules, every)
    if not args.ledger and ours.module.__name__ != options.DEFAULTS["ours"]:
        found.problems = [p for p in found.problems if p.kind == "grew"]  # it is another's ledger
    found.seconds = time.perf_counter() - started
    PEAK.look()
    found.memory, found.memory_processes = PEAK.bytes, PEAK.processes
    found.hint = hint.line(found, args)
    report.write(found, folder, before)
    summary(found, page, before)
    return 0 if found.ok else 1


def _ops(
    args: argparse.Namespace, ours: Engine, theirs: Engine, found: Session, progress: Progress
) -> list[OpResult]:
    from .compare import Lab
    from .options import LIMIT
    from .runner import left_out, op_name, ops_to_compare, run_ops

    lab = Lab(ours, theirs)
    keys = ops_to_compare(lab, args.pattern)[args.share]
    found.left_out = left_out(lab, keys)
    without = {name for names in found.left_out.values() for name in names}
    keys = [k for k in keys if op_name(k) not in without]
    progress.start("ops", len(keys))
    limit = args.op_limit or LIMIT
    return run_ops(args.ours, args.theirs, keys, args.processes, progress.done, limit=limit)


def _atlas(
    args: argparse.Namespace, theirs: Engine, ops: list[OpResult], drawn: dict | None, progress: Progress
) -> list[dict]:
    """Error maps of the compared functions in float32, and those that an atlas run has left.

    A function that cannot be surveyed is one more deviation of its op.
    """
    from . import atlas, atlas_ratchet, atlas_run
    from .options import LIMIT
    from .runner import broken

    lost = {r.op for r in ops for s in r.samples if s.kind in ("process", "laboratory")}
    wanted = atlas_run.quick([r.op for r in ops if r.op not in lost and r.name])
    progress.start("atlas", len(wanted))
    depth = atlas.Depth(points=1000, line=2048, full=False)
    limit = args.op_limit or LIMIT
    live, unfinished = atlas_run.run(
        args.ours, args.theirs, wanted, ("float32",), depth, args.processes, progress.step, limit
    )
    for result in [r for r in ops if r.op in unfinished]:
        key = result.namespace, result.name
        result.samples += broken(key, "atlas", unfinished[result.op]).samples
    return atlas_run.beside(live, drawn, atlas_ratchet.build(theirs))


def _modules(
    args: argparse.Namespace, ours: Engine, theirs: Engine, progress: Progress
) -> list[OpResult]:
    from . import modules
    from .options import LIMIT
    from .runner import run_ops

    names = [case[0] for case in modules.cases(args.pattern)[args.share]]
    progress.start("modules", len(names))
    if args.processes == 0:
        return modules.compare_modules(ours, theirs, args.pattern, progress.done, args.share)
    keys, limit = [("module", name) for name in names], args.op_limit or LIMIT
    found = run_ops(
        args.ours, args.theirs, keys, args.processes, progress.done,
        modules.work, modules.died, modules.late, limit,
    )  # fmt: skip
    return sorted(found, key=lambda r: names.index(r.name))


def _programs(args: argparse.Namespace, progress: Progress) -> list[ProgramResult]:
    from . import programs, programs_run
    from .crew import Limit
    from .engines import EngineError
    from .options import LIMIT
    from .runner import matches

    every = programs.PROGRAMS
    names = getattr(args, "names", None) or [n for n in every if matches(n, args.pattern)]
    names = names[args.share]
    unknown = [n for n in names if n not in every]
    if unknown:
        raise EngineError(f"no program {unknown[0]!r}; there are {', '.join(every)}")
    progress.start("programs", len(names))
    told = {"data": args.data, "epochs": args.epochs, "limit": args.limit}
    null_runs = programs.NULL_RUNS[:1] if args.quick else programs.NULL_RUNS
    limit = Limit(args.program_limit or programs_run.WHOLE, args.op_limit or LIMIT)
    return programs_run.run(
        args.ours, args.theirs, names, told, null_runs, args.processes, progress.done, limit
    )


def console() -> int:
    """`main` in a terminal: what its encoding does not have is shown as a question mark."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    return main()


if __name__ == "__main__":
    raise SystemExit(console())
