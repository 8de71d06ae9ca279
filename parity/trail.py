"""A trail: what a program computed, op by op, streamed to a file that can be compared elsewhere.

One JSON object a line.  The first is a header, the last says how many records there are, so a file
that was cut off is noticed.  A record holds the op, whether it ran forward, backward or as an
optimizer's step, the call site, and for every input and output a digest of its bits and a summary
(extremes, mean, a few values): enough to say *where* two runs part and roughly how far, in memory
that does not grow with the program.

Digests ignore what is not documented: nan payloads, and the sign of zeros in gradients.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from .engines import Engine, EngineError, InputError

FORMAT = 1
OPAQUE = "opaque"
STOPPED = "stopped"  # how the error of a run begins that did not end in time
SAMPLES = 8  # values kept of each tensor


class TrailError(InputError, ValueError):
    """A trail cannot be read: names the file and the line."""


def digest(array: np.ndarray) -> str:
    """16 hex digits over the bits in row-major order; every nan counts as the same nan."""
    flat = np.ascontiguousarray(array).reshape(-1)
    if flat.dtype.kind == "c":
        flat = flat.view(flat.real.dtype)
    if flat.dtype.kind == "f":
        nan = np.isnan(flat)
        flat = np.where(nan, np.nan, flat).astype(flat.dtype) if nan.any() else flat
    return hashlib.blake2b(flat.tobytes(), digest_size=8).hexdigest()


def summary(array: np.ndarray, gradient: bool = False) -> dict[str, Any]:
    """What a record keeps of one tensor: digest, dtype, shape, extremes, mean, a few values."""
    order = memory_order(array)
    array = np.ascontiguousarray(array).reshape(array.shape)
    if gradient and array.dtype.kind in "fc":
        array = array + array.dtype.type(0)
    found: dict[str, Any] = {"d": digest(array), "t": array.dtype.name, "s": list(array.shape)}
    if order:
        found["o"] = order
    flat = array.reshape(-1)
    if flat.dtype.kind == "c":
        flat = flat.view(flat.real.dtype)
    if not flat.size:
        return found
    at = np.unique(np.linspace(0, flat.size - 1, SAMPLES).astype(np.int64))
    found["v"] = [float(x) for x in flat[at]]
    with np.errstate(invalid="ignore"):  # unset memory may hold signalling nans
        wide = flat.astype(np.float64)
    finite = wide[np.isfinite(wide)]
    if finite.size < flat.size:
        found["nan"] = int(flat.size - finite.size)
    if finite.size:
        found["f"] = [float(finite.min()), float(finite.max()), float(finite.mean())]
    return found


def opaque(tensor: Any, error: Exception) -> dict[str, Any]:
    """What a record keeps of a tensor whose values cannot be had."""
    return {"d": f"{OPAQUE} {type(error).__name__}", "t": str(tensor.dtype), "s": []}


def memory_order(array: np.ndarray) -> list[int]:
    """The dims from the slowest in memory to the fastest; empty where that is their own order."""
    dims = [d for d in range(array.ndim) if array.shape[d] > 1]
    order = sorted(dims, key=lambda d: -abs(array.strides[d]))
    return [] if order == dims else order


def tensors_in(value: Any, engine: Engine, depth: int = 0) -> list:
    """The tensors in nested arguments or results, in reading order."""
    if engine.is_tensor(value):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)) and depth < 4:
        return [t for v in value for t in tensors_in(v, engine, depth + 1)]
    return []


def floats_in(value: Any, depth: int = 0) -> list[float]:
    """The Python floats in nested arguments, in reading order."""
    if type(value) is float:
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)) and depth < 4:
        return [f for v in value for f in floats_in(v, depth + 1)]
    return []


class Sites:
    """Finds the line of the user's program that a call came from."""

    def __init__(self, *inside: str) -> None:
        self.inside = tuple(str(Path(p)) for p in inside)

    def find(self) -> tuple[str, str]:
        """("file.py:12", the line's text) of the innermost frame outside the engine and parity."""
        frame: Any = sys._getframe(1)
        while frame is not None and (
            frame.f_code.co_filename.startswith(self.inside)
            or frame.f_code.co_filename.startswith("<frozen")
        ):
            frame = frame.f_back
        if frame is None:
            return "", ""
        import linecache

        name, line = frame.f_code.co_filename, frame.f_lineno
        return f"{name}:{line}", linecache.getline(name, line).strip()


class Writer:
    """Appends records to a trail file, from whatever thread.

    The file takes its name when it is closed: a run that never comes to its end leaves an older
    trail of that name as it was.
    """

    def __init__(self, path: Path, **header: Any) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.script = path, str(header.get("script", ""))
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        self.draft = Path(name)
        self.file: IO[str] = os.fdopen(handle, "w", encoding="utf-8")
        self.count, self.lock = 0, threading.RLock()
        self.rest: Callable[[], None] = lambda: None  # writes what a recorder still holds back
        self._line({"parity trail": FORMAT, **header})

    def _line(self, item: dict) -> None:
        self.file.write(json.dumps(item, separators=(",", ":")) + "\n")

    def add(self, **record: Any) -> int:
        """Write one record; its number."""
        with self.lock:
            self.count += 1
            self._line({"i": self.count, **record})
            return self.count

    def close(self, error: str = "") -> None:
        """Write the last line: how many records there are, and the exception that ended the run."""
        if not self.file.closed:
            self.rest()
        with self.lock:
            if not self.file.closed:
                self._line({"end": self.count, **({"error": error} if error else {})})
                self.file.close()
                os.chmod(self.draft, 0o644)
                os.replace(self.draft, self.path)

    def discard(self) -> None:
        """Leave no trail: the run could not be made."""
        self.file.close()
        self.draft.unlink(missing_ok=True)


def written(writer: Writer, program: Callable[[], None]) -> str:
    """Close the trail of `program()`; the exception that ended it, or an empty string.

    A trail up to the exception is still worth comparing; if the engine could not be had there is none.
    """
    error = ""
    try:
        program()
    except SystemExit as ended:
        error = f"SystemExit: {ended.code}" if ended.code not in (None, 0) else ""
    except EngineError:
        writer.discard()
        raise
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}"
    except KeyboardInterrupt as stopped:  # it has not ended in time (trail_processes.py)
        frames = traceback.extract_tb(stopped.__traceback__)
        lines = [f.lineno for f in frames if f.filename == writer.script]
        error = f"{STOPPED} at {writer.script}" + (f":{lines[-1]}" if lines else "")
    finally:
        writer.close(error)
    return error


def read(path: Path) -> tuple[dict, Iterator[dict]]:
    """The header, and an iterator over the records that reads as it goes.

    TrailError, with file and line, for anything that is not a whole trail.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise TrailError(f"{path}: cannot read the trail: {error.strerror}") from error
    try:
        header = _parse(path, 1, file.readline())
    except BaseException:
        file.close()
        raise
    if header.get("parity trail") != FORMAT:
        file.close()
        raise TrailError(f"{path}:1: not a trail of format {FORMAT}: no such header")
    if not isinstance(header.get("engine"), str):
        file.close()
        raise TrailError(f"{path}:1: the header names no engine")
    return header, _records(path, file, header)


def _records(path: Path, file: IO[bytes], header: dict) -> Iterator[dict]:
    count, line = 0, 1
    with file:
        for line, text in enumerate(file, 2):
            item = _parse(path, line, text)
            if "end" in item:
                if item["end"] != count:
                    raise TrailError(f"{path}:{line}: {count} records, the end says {item['end']}")
                header["error"] = str(item.get("error", ""))
                return
            wrong = _not_a_record(item)
            if wrong:
                raise TrailError(f"{path}:{line}: not a record: {wrong}")
            count += 1
            yield item
    raise TrailError(f"{path}:{line}: the trail is cut off: its last line is missing")


def _not_a_record(item: dict) -> str:
    """What is wrong with a line of a trail; empty if nothing is."""
    if not {"i", "op", "way", "in", "out"} <= item.keys():
        return f"it has {sorted(item)}"
    for name in ("op", "way", "at", "line"):
        if not isinstance(item.setdefault(name, ""), str):
            return f"{name!r} is {item[name]!r}"
    for name in ("i", "of"):
        if type(item.get(name, 0)) is not int:
            return f"{name!r} is {item[name]!r}"
    item.pop("band", None)  # diverge.py makes it
    for name in ("in", "out"):
        if not isinstance(item[name], list):
            return f"{name!r} is no list of tensors"
        for tensor in item[name]:
            if not _is_summary(tensor):
                return f"{name!r} holds {str(tensor)[:80]}, which is no tensor"
    numbers = item.get("args", [])
    if not isinstance(numbers, list) or not all(isinstance(x, (int, float)) for x in numbers):
        return "'args' is no list of numbers"
    names = item.get("names", [])
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        return "'names' is no list of names"
    return ""


def _is_summary(tensor: Any) -> bool:
    """Whether this is what `summary` makes."""
    if not isinstance(tensor, dict) or not isinstance(tensor.get("d"), str):
        return False
    sizes, values, extremes = tensor.get("s"), tensor.get("v", []), tensor.get("f", [0, 0, 0])
    if not (isinstance(sizes, list) and isinstance(values, list) and isinstance(extremes, list)):
        return False
    good = all(isinstance(n, int) for n in sizes) and len(extremes) == 3
    good = good and all(isinstance(v, (int, float)) for v in values + extremes)
    return good and (tensor["d"].startswith(OPAQUE) or _is_dtype(tensor.get("t")))


def _is_dtype(name: Any) -> bool:
    try:
        return isinstance(name, str) and np.dtype(name).kind in "biufc"
    except TypeError:
        return False


def _parse(path: Path, line: int, raw: bytes) -> dict:
    try:
        text = raw.decode("utf-8")
        found = json.loads(text)
    except UnicodeDecodeError as error:
        raise TrailError(f"{path}:{line}: byte {error.start} of the line is no UTF-8") from error
    except json.JSONDecodeError as error:
        what = "empty" if not text.strip() else f"not JSON: {error.msg} (column {error.colno})"
        raise TrailError(f"{path}:{line}: {what}") from error
    if not isinstance(found, dict):
        raise TrailError(f"{path}:{line}: expected an object, got {type(found).__name__}")
    return found
