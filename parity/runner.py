"""Which ops there are to compare, and comparing them in parallel processes (crew.py).

Each worker imports both engines once, holds them to one thread, and takes ops one at a time.  An op
that kills its process, or gives no answer within the time limit, is reported with the sample that it
was in as a mismatch.
"""

from __future__ import annotations

import importlib
import math
import os
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

from .compare import Lab, mismatch
from .crew import Limit, Worker, in_processes
from .engines import DeviceLostError, Engine, EngineError, open_engine
from .outcome import OpResult, SampleResult
from .samples import ROWS, row_for

Key = tuple[str, str]


def limit_threads(engine: Engine) -> None:
    """One thread for the engine's kernels: the ops are small and the processes are many."""
    set_threads = getattr(engine.module, "set_num_threads", None)
    if set_threads is not None:
        set_threads(1)


def op_name(key: Key) -> str:
    return key[1] if key[0] in ("torch", "Tensor") else f"{key[0]}.{key[1]}"


def registry_keys(engine: Engine) -> list[Key]:
    """What the engine's registry lists; empty for an engine without one (torch, most others)."""
    home = engine.module.__name__
    try:
        registry = importlib.import_module(f"{home}.ops.registry")
    except ModuleNotFoundError as error:
        if f"{home}.ops.registry".startswith(str(error.name)):
            return []
        raise EngineError(f"{engine.name}: its ops.registry cannot be imported: {error}") from error
    for namespace in {r.namespace for r in ROWS.values()}:
        engine.space(namespace)  # lazily imported namespaces register their ops
    return list(registry.REGISTRY)


def ops_to_compare(lab: Lab, pattern: str = "") -> list[Key]:
    """The registry's ops, and every op that has samples and that both engines can be asked for."""
    keys = dict.fromkeys(registry_keys(lab.ours))
    rows = {id(row_for(k)) for k in keys}
    keys |= dict.fromkeys(
        k for k, r in ROWS.items() if id(r) not in rows and lab.primary(r) is not None
    )
    return sorted((k for k in keys if matches(op_name(k), pattern)), key=op_name)


def left_out(lab: Lab, keys: list[Key]) -> dict[str, list[str]]:
    """What of `keys` the reference cannot be asked for, by reason: it is named, and not judged."""
    found: dict[str, list[str]] = {}
    version = getattr(lab.theirs.module, "__version__", "?")
    for key in keys:
        row = row_for(key)
        if row is None:
            continue
        if not any(lab.has(row, form, everywhere=False) for form in ("function", "method")):
            found.setdefault(f"{lab.theirs.name} {version} has not", []).append(op_name(key))
        elif row.random and lab.theirs.on_gpu:
            found.setdefault("a GPU draws other words", []).append(op_name(key))
    return found


def shard(text: str | None) -> slice:
    """ "2/4" as every fourth thing from the second, None as all; EngineError for anything else."""
    try:
        i, n = (int(x) for x in (text or "1/1").split("/"))
    except ValueError:
        raise EngineError(f"--shard: i/n as in 2/4, got {text!r}") from None
    if not 1 <= i <= n:
        raise EngineError(f"--shard: i/n with 1 ≤ i ≤ n, as in 2/4, got {text!r}")
    return slice(i - 1, None, n)


def matches(name: str, pattern: str) -> bool:
    """pytest's -k in small: words joined by "or" / "and" / "not"; each is a substring."""
    if not pattern.strip():
        return True
    return any(
        all((word not in name) if negate else (word in name) for negate, word in _terms(part))
        for part in pattern.split(" or ")
    )


def _terms(part: str) -> Iterator[tuple[bool, str]]:
    for term in part.split(" and "):
        term = term.strip()
        negate = term.startswith("not ")
        yield negate, term.removeprefix("not ").strip()


def _work(pipe: Connection, ours: str, theirs: str) -> None:
    """A worker: receive a key, send back its OpResult, until None comes.

    An empty text says that it is ready; before each sample its text is sent, for the case that
    nothing comes after it.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    lab = Lab(open_engine(ours), open_engine(theirs))
    lab.begun = lambda sample: pipe.send(str(sample))
    for engine in (lab.ours, lab.theirs):
        limit_threads(engine)
    pipe.send("")
    while (key := pipe.recv()) is not None:
        pipe.send(slim(_compare(lab, key)))


def _compare(lab: Lab, key: Key) -> OpResult:
    """compare_op; an exception in the laboratory itself becomes a mismatch that shows it."""
    try:
        return lab.compare_op(key)
    except DeviceLostError:  # a worker ends, and another takes its place
        raise
    except Exception:
        return broken(key, "laboratory", traceback.format_exc(limit=-3))


def broken(key: Key, what: str, text: str) -> OpResult:
    """The result of an op that could not be compared."""
    row = row_for(key)
    sample = SampleResult(f"({what})", "", what, "", [mismatch(what, text)])
    return OpResult(*key, row.family if row else "", row.level if row else "", [sample])


def slim(result: OpResult) -> OpResult:
    """Drop the checks that say no more than "identical": they are most of the data."""
    for sample in result.samples:
        sample.checks = [
            c for c in sample.checks if c.verdict or c.ours is not None
        ] or sample.checks[:1]
    return result


def _run_here(ours: str, theirs: str, keys: list[Key], done: Callable) -> list[OpResult]:
    lab, results = Lab(open_engine(ours), open_engine(theirs)), []
    for key in keys:
        results.append(slim(_compare(lab, key)))
        done(results[-1])
    return sorted(results, key=lambda r: r.op)


def _died(worker: Worker) -> OpResult:
    return broken(worker.key or ("torch", "?"), "process", worker.ended())


def _late(worker: Worker, why: str) -> OpResult:
    where = worker.at or "before its first sample"
    return broken(worker.key, "process", f"{why}, stopped in {where} (--op-limit)")


def run_ops(
    ours: str,
    theirs: str,
    keys: list[Any],
    processes: int | None = None,
    done: Callable[[Any], None] = lambda result: None,
    work: Callable = _work,
    died: Callable[[Worker], Any] = _died,
    late: Callable[[Worker, str], Any] = _late,
    limit: float = math.inf,
) -> list[Any]:
    """Compare `keys` in parallel; `done` sees each result as it comes.  Sorted by name.

    processes: how many; None for one per processor, 0 to stay in this process (for debuggers,
        and without the time limit).
    limit: seconds for one key, after which its process is stopped.
    work, died, late: another tool's worker loop, and its results for a worker that ended or hangs.
    """
    if not keys:
        return []
    if processes == 0:
        return _run_here(ours, theirs, keys, done)
    results = []
    for result in in_processes(work, (ours, theirs), keys, processes, died, late, Limit(limit)):
        results.append(result)
        done(result)
    return sorted(results, key=lambda r: r.op)
