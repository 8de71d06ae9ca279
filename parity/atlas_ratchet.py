"""The atlas's ratchet: figures that a later run must not exceed.

On the build that the figures come from - the same NumPy, torch and processor features - the same
points give the same bits, so any increase counts.  Another build has other kernels for exp or sin,
and its own luck: there an increase counts if it also breaks the contract of accuracy.py, that is if
our worst error is also larger than torch's there and larger than 2 ULP.

torch and NumPy each choose their kernels by the processor, so the repository keeps one file for each
kind of it that torch tells apart: `atlas_stored_avx512.json`, `atlas_stored_avx2.json`.
"""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from .engines import Engine, EngineError
from .files import line_of, read_json
from .ledger import processor
from .runner import matches
from .session import write_atomically
from .values import LIMIT

FORMAT = 1
FIGURES = ("worst", "p99", "misrounded", "wrong")
DEPTH = ("points", "line", "slow", "full")  # of atlas.Depth


def build(theirs: Engine) -> dict[str, str]:
    """What decides about the last bit."""
    from numpy._core._multiarray_umath import __cpu_features__ as features

    have = ",".join(sorted(name for name, there in features.items() if there))
    return {
        "numpy": np.__version__,
        theirs.name: str(getattr(theirs.module, "__version__", "?")),
        "machine": platform.machine(),
        "cpu": processor(),
        "features": hashlib.sha256(have.encode()).hexdigest()[:12],
    }


def kept(cpu: str) -> Path:
    """Where the repository keeps the figures for a kind of processor, as ledger.py names them."""
    return Path(__file__).with_name(f"atlas_stored_{cpu.lower()}.json")


def key(record: dict[str, Any]) -> str:
    """A record's name in the stored file."""
    return f"{record['name']} {record['part']} {record['dtype']}"


def figures(record: dict[str, Any]) -> list[float]:
    """What is stored of a record: six digits, rounded up."""
    return [_up(float(record["ours"][name])) for name in FIGURES]


def _up(value: float) -> float:
    short = float(f"{value:.5e}")
    return short if short >= value else float(f"{value * (1 + 1e-5):.5e}")


def store(path: Path, records: list[dict[str, Any]], depth: Any, made_on: dict[str, str]) -> None:
    """Write the file, one record a line."""
    head = {"format": FORMAT, "build": made_on, "depth": asdict(depth), "columns": FIGURES}
    rows = ",\n".join(f"{json.dumps(key(r))}: {json.dumps(figures(r))}" for r in records)
    text = json.dumps(head, indent=1)[:-2] + ',\n "figures": {\n' + rows + "\n}}\n"
    write_atomically(path, text)


def load(path: Path) -> dict[str, Any]:
    """The stored figures; EngineError says what is wrong with the file, and where."""
    data = read_json(path, "the stored atlas", EngineError)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise EngineError(f"{path}:1: not a stored atlas of format {FORMAT}")
    rows = data.get("figures")
    if not isinstance(rows, dict) or not {"build", "depth"} <= data.keys():
        raise EngineError(f"{path}:1: a stored atlas has build, depth and figures")
    for name, value in data["depth"].items() if isinstance(data["depth"], dict) else [("", None)]:
        good = isinstance(value, bool) if name == "full" else type(value) is int and value > 0
        if name not in DEPTH or not good:
            said = f"depth is {data['depth']!r}, not {', '.join(DEPTH)}"
            raise EngineError(f"{path}:{line_of(path, 'depth')}: {said}"[:300])
    for name, row in rows.items():
        numbers = isinstance(row, list) and all(isinstance(v, (int, float)) for v in row)
        if not numbers or len(row) != len(FIGURES) or len(name.split()) != 3:
            at = f"{path}:{line_of(path, name)}"
            raise EngineError(f"{at}: figures of {name!r} are not {', '.join(FIGURES)}: {row!r}")
    return data


def worse(stored: dict[str, Any], data: dict[str, Any]) -> list[str]:
    """What got worse, in words; empty when nothing did."""
    same, found = stored["build"] == data["build"], []
    for record in data["records"]:
        before = stored["figures"].get(key(record))
        if before is None or not same and _contract(record):
            continue
        now = [float(record["ours"][name]) for name in FIGURES]
        raised = [
            f"{name} {old:.4g} → {new:.4g}{_by(old, new)}"
            for name, old, new in zip(FIGURES, before, now, strict=True)
            if new > old
        ]
        if raised:
            found.append(
                f"{key(record)}: {', '.join(raised)}; worst at {record['at']}, "
                f"torch {record['theirs']['worst']:.4g}"
            )
    return found


def _contract(record: dict[str, Any]) -> bool:
    """Whether our worst error is at most torch's or 2 ULP, and no more is wrong in kind."""
    ours, theirs = record["ours"], record["theirs"]
    return ours["worst"] <= max(theirs["worst"], LIMIT) and ours["wrong"] <= theirs["wrong"]


def _by(old: float, new: float) -> str:
    return f" (+{new - old:.3g})" if old < 1 else f" ({new / old:.3g} times)"


def gone(
    stored: dict[str, Any], data: dict[str, Any], pattern: str, dtypes: tuple[str, ...]
) -> list[str]:
    """Stored records that this run should have measured and did not."""
    measured = {key(r) for r in data["records"]}
    return [
        name
        for name in stored["figures"]
        if name not in measured
        and matches(name.split()[0], pattern)
        and name.split()[2] in dtypes
    ]


def report(
    stored: dict[str, Any], data: dict[str, Any], pattern: str, dtypes: tuple[str, ...]
) -> int:
    """Print what is worse; 1 if anything is."""
    raised, missing = worse(stored, data), gone(stored, data, pattern, dtypes)
    for text in raised:
        print(f"worse: {text}")
    for name in missing:
        print(f"not measured any more: {name}")
    where = "the same build" if stored["build"] == data["build"] else "another build"
    if not raised and not missing:
        print(f"ratchet: nothing is worse than stored ({where})")
        return 0
    print(f"ratchet: {len(raised)} worse, {len(missing)} gone ({where})")
    return 1
