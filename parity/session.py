"""One run of the laboratory: its parts put together, its JSON result, its summary figures."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from . import worst
from .crew import processors
from .engines import Engine, EngineError
from .files import read_json
from .ledger import Entry, Problem
from .outcome import OpResult, Verdict, kind_of
from .programs import ProgramResult
from .values import CANCELS

FORMAT = 1


@dataclass
class Session:
    """Everything that one run found out."""

    ours: str
    theirs: str
    versions: dict[str, str]
    ops: list[OpResult] = field(default_factory=list)
    modules: list[OpResult] = field(default_factory=list)
    programs: list[ProgramResult] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    seconds: float = 0.0
    memory: int = 0  # bytes at the worst time, summed over processes (memory.py)
    memory_processes: int = 0
    left_out: dict[str, list[str]] = field(default_factory=dict)  # ops by reason, not judged
    shard: str = ""  # "2/4" of a run that is spread over machines
    started: str = ""
    atlas: list[dict] = field(default_factory=list)  # records of atlas.py
    hint: str = ""  # how to get what fails as scripts

    @property
    def ok(self) -> bool:
        parts: list[Any] = [*self.ops, *self.modules, *self.programs]
        return not self.problems and all(p.verdict.ok for p in parts)

    def failing(self) -> list[str]:
        """Names of everything that deviates."""
        groups: list[tuple[str, list[Any]]] = [("", self.ops), ("module ", self.modules)]
        named = [
            prefix + r.op.removeprefix("module.")
            for prefix, rs in groups
            for r in rs
            if not r.verdict.ok
        ]
        return named + [f"program {p.name}" for p in self.programs if not p.verdict.ok]

    def kinds(self) -> list[tuple[str, int, int, str]]:
        """(kind, ops, samples, example) of what deviates, the most frequent first."""
        found: dict[str, tuple[set, int, str]] = {}
        for result in self.ops:
            for sample in result.samples:
                for kind in {kind_of(c) for c in sample.checks if not c.verdict.ok and not c.known}:
                    ops, n, example = found.get(kind, (set(), 0, result.op))
                    found[kind] = (ops | {result.op}, n + 1, example)
        return sorted(
            ((k, len(ops), n, e) for k, (ops, n, e) in found.items()), key=lambda row: -row[2]
        )

    def counts(self, results: list[OpResult]) -> dict[str, int]:
        """Samples by verdict over `results`."""
        total = {str(v): 0 for v in Verdict} | {"known": 0}
        for result in results:
            for name, n in result.counts().items():
                total[name] += n
        return total


def versions(ours: Engine, theirs: Engine) -> dict[str, str]:
    """What was compared, and on what."""
    found = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": platform.machine(),
        "processors": str(processors()),
        "system": platform.system(),
    }
    for engine in (ours, theirs):
        found[engine.name] = str(getattr(engine.module, "__version__", "?"))
    return found


def start(ours: Engine, theirs: Engine) -> Session:
    return Session(
        ours.name, theirs.name, versions(ours, theirs), started=time.strftime("%Y-%m-%d %H:%M:%S")
    )


def _op(result: OpResult, details: int) -> dict[str, Any]:
    known = {id(s): any(c.known for c in s.checks) for s in result.samples}
    notable = sorted(
        (s for s in result.samples if s.verdict or known[id(s)]),
        key=lambda s: (s.verdict.ok, not known[id(s)], -s.verdict),
    )
    return {
        "op": result.op.removeprefix("module."),
        "family": result.family,
        "level": result.level,
        "verdict": str(result.verdict),
        "samples": len(result.samples),
        "counts": result.counts(),
        "ulp_ours": round(result.worst("ours"), 3),
        "ulp_torch": round(result.worst("theirs"), 3),
        "plain_ours": round(result.worst("plain_ours"), 3),
        "plain_torch": round(result.worst("plain_theirs"), 3),
        "share_ours": round(result.worst("share_ours"), 4),
        "share_torch": round(result.worst("share_theirs"), 4),
        "ulp_apart": round(result.worst("apart"), 3),
        "cancels": result.condition("ours") > CANCELS,
        "seconds": round(result.seconds, 3),
        "notable": [
            {
                "text": s.text,
                "verdict": str(s.verdict),
                "checks": [c.as_dict() for c in s.checks if c.verdict or c.known][:6],
            }
            for s in notable[:details]
        ],
    }


def as_dict(session: Session, details: int = 12) -> dict[str, Any]:
    """The JSON result."""
    return {
        "format": FORMAT,
        "ok": session.ok,
        "ours": session.ours,
        "theirs": session.theirs,
        "versions": session.versions,
        "started": session.started,
        "seconds": round(session.seconds, 1),
        "memory": {"bytes": session.memory, "processes": session.memory_processes},
        "shard": session.shard,
        "left_out": session.left_out,
        "counts": session.counts(session.ops),
        "module_counts": session.counts(session.modules),
        "failing": session.failing(),
        "hint": session.hint,
        "kinds": [
            {"kind": k, "ops": o, "samples": n, "example": e} for k, o, n, e in session.kinds()
        ],
        "worst": worst.as_dict(session.ops),
        "ops": [_op(r, details) for r in session.ops],
        "modules": [_op(r, details) for r in session.modules],
        "programs": [p.as_dict() for p in session.programs],
        "ledger": [vars(e) for e in session.entries],
        "ledger_problems": [{"kind": p.kind, "text": p.text} for p in session.problems],
    }


def write_atomically(path: Path, text: str) -> None:
    """Write `text` to `path` whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def previous(path: Path) -> dict[str, Any] | None:
    """The stored run, None if there is none; EngineError if there is one that cannot be read."""
    if not path.exists():
        return None
    stored = read_json(path, "the stored run", EngineError)
    try:
        ops = stored.get("ops", ())
        good = all(isinstance(name, str) for name in stored["failing"])
        good = good and all(float(o.get("ulp_ours", 0)) >= 0 and isinstance(o["op"], str) for o in ops)
    except (KeyError, TypeError, ValueError, AttributeError):
        good = False
    if not good:
        raise EngineError(f"{path}:1: not a stored run: remove it, or choose another --out")
    return stored
