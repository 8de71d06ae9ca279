"""Running many ops in parallel processes, and living through an op that kills its process.

Each worker imports both engines once, holds them to one thread, and takes ops one at a time; a
worker that dies (some torch kernels end in SIGFPE on odd integers) costs the op that it was on,
which is reported as a mismatch, and is replaced.
"""

from __future__ import annotations

import multiprocessing as mp
import os
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection, wait
from typing import Any

from .compare import Lab, mismatch
from .engines import Engine, EngineError, open_engine
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
    """What the engine's registry lists; empty for an engine without one (torch)."""
    if engine.is_torch:
        return []
    import importlib

    try:
        registry = importlib.import_module(f"{engine.module.__name__}.ops.registry")
    except ImportError as error:
        raise EngineError(f"{engine.name} has no ops.registry: {error}") from error
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


def matches(name: str, pattern: str) -> bool:
    """pytest's -k in small: words joined by "or" / "and" / "not"; each is a substring."""
    if not pattern.strip():
        return True
    return any(
        all((word not in name) if negate else (word in name) for negate, word in _terms(part))
        for part in pattern.split(" or ")
    )


def _terms(part: str) -> Iterable[tuple[bool, str]]:
    for term in part.split(" and "):
        term = term.strip()
        negate = term.startswith("not ")
        yield negate, term.removeprefix("not ").strip()


def _work(pipe: Connection, ours: str, theirs: str) -> None:
    """A worker: receive a key, send back its OpResult, until None comes."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    lab = Lab(open_engine(ours), open_engine(theirs))
    for engine in (lab.ours, lab.theirs):
        limit_threads(engine)
    while (key := pipe.recv()) is not None:
        pipe.send(slim(_compare(lab, key)))


def _compare(lab: Lab, key: Key) -> OpResult:
    """compare_op; an exception in the laboratory itself becomes a mismatch that shows it."""
    try:
        return lab.compare_op(key)
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


class _Worker:
    def __init__(
        self, context: mp.context.BaseContext, work: Callable, ours: str, theirs: str
    ) -> None:
        self.pipe, child = context.Pipe()
        self.process = context.Process(target=work, args=(child, ours, theirs), daemon=True)
        self.process.start()
        child.close()
        self.key: Any = None

    def give(self, key: Any) -> None:
        self.key = key
        self.pipe.send(key)


def _died(worker: _Worker) -> OpResult:
    worker.process.join(5)
    return broken(
        worker.key or ("torch", "?"),
        "process",
        f"the process comparing it ended with exit code {worker.process.exitcode}",
    )


def run_ops(
    ours: str,
    theirs: str,
    keys: list[Any],
    processes: int | None = None,
    done: Callable[[Any], None] = lambda result: None,
    work: Callable = _work,
    died: Callable = _died,
) -> list[Any]:
    """Compare `keys` in parallel; `done` sees each result as it comes.  Sorted by name.

    processes: how many; None for one per processor, 0 to stay in this process (for debuggers).
    work, died: another tool's worker loop, and its result for a worker that ended.
    """
    if not keys:
        return []
    if processes == 0:
        return _run_here(ours, theirs, keys, done)
    context = mp.get_context("spawn")
    queue, results = deque(keys), []
    count = max(1, min(processes or len(os.sched_getaffinity(0)), len(keys)))
    workers = [_Worker(context, work, ours, theirs) for _ in range(count)]
    for worker in workers:
        worker.give(queue.popleft())
    busy = {w.pipe: w for w in workers}
    try:
        while busy:
            for pipe in wait(list(busy)):
                worker = busy.pop(pipe)  # type: ignore[arg-type]
                try:
                    result = worker.pipe.recv()
                except (EOFError, ConnectionResetError):
                    result = died(worker)
                    worker = _Worker(context, work, ours, theirs) if queue else worker
                results.append(result)
                done(result)
                if queue:
                    worker.give(queue.popleft())
                    busy[worker.pipe] = worker
                elif worker.process.is_alive():
                    worker.give(None)
    finally:
        for worker in workers:
            if worker.process.is_alive() and worker.pipe in busy:
                worker.process.terminate()
    return sorted(results, key=lambda r: r.op)
