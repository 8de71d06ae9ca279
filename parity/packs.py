"""Golden packs: what one device computed, as a file that is checked where the device is not.

A pack is xz-compressed text, one JSON object a line: a header with the fingerprint of the device and
its flags, then one line a sample, then the number of samples.  Inputs are not stored: the samples
make them from their names (samples/materialise.py), and the line holds a digest of them, so that a
sample that has changed since is noticed.  Results are stored bit by bit.
"""

from __future__ import annotations

import base64
import io
import json
import lzma
import os
import platform
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .engines import Engine, InputError
from .record import Record, Value
from .samples.materialise import Inputs
from .samples.spec import Sample
from .trail import digest

FORMAT = 1
NUMBERS = {"float16", "float32", "float64", "complex64", "complex128", "bool", "uint8"}
NUMBERS |= {f"int{n}" for n in (8, 16, 32, 64)}


class PackError(InputError, ValueError):
    """A pack cannot be read: names the file and the line."""


@dataclass
class Entry:
    """One sample's results: `values` maps "out", "out.indices", "grad[0]" … to arrays."""

    key: tuple[str, str]
    note: str
    dtype: str
    form: str
    inputs: str
    values: dict[str, np.ndarray] = field(default_factory=dict)
    error: str = ""
    line: int = 0


def entry_of(sample: Sample, form: str, record: Record, inputs: str) -> Entry:
    """What a pack keeps of a record: tensors that came out, first gradients, or the exception."""
    found = Entry((sample.namespace, sample.name), sample.note, sample.dtype, form, inputs)
    if record.error:
        found.error = record.error[0]
        return found
    for part, value in {**record.outputs, **record.grads}.items():
        if isinstance(value, Value) and value.array.dtype.name in NUMBERS:
            found.values[part] = value.array
    return found


def inputs_digest(engine: Engine, sample: Sample) -> str:
    """A digest of every number that goes into a sample."""
    arrays = Inputs(engine, sample, grad=False).arrays
    return digest(np.frombuffer("".join(map(digest, arrays)).encode(), np.uint8))


# ---- the file ------------------------------------------------------------------------------------


def _packed(array: np.ndarray) -> list:
    data = base64.b85encode(np.ascontiguousarray(array).tobytes()).decode()
    return [array.dtype.name, list(array.shape), data]


def _unpacked(item: Any) -> np.ndarray:
    name, shape, data = item
    if name not in NUMBERS:
        raise ValueError(f"unknown dtype {name!r}")
    return np.frombuffer(base64.b85decode(data), name).reshape(shape)


def _text(file: Any) -> io.TextIOWrapper:
    return io.TextIOWrapper(file, encoding="utf-8")


def write(path: Path, header: dict, entries: Iterable[Entry]) -> int:
    """Write a pack whole or not at all; the number of samples."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    count = 0
    try:
        with os.fdopen(handle, "wb") as raw, _text(lzma.open(raw, "wb")) as file:
            file.write(json.dumps({"parity pack": FORMAT, **header}) + "\n")
            for e in entries:
                row: dict[str, Any] = {"op": list(e.key), "note": e.note, "dtype": e.dtype}
                row |= {"form": e.form, "in": e.inputs}
                row |= {"error": e.error} if e.error else {}
                row["values"] = {k: _packed(v) for k, v in e.values.items()}
                file.write(json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n")
                count += 1
            file.write(json.dumps({"end": count}) + "\n")
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return count


def read(path: Path) -> tuple[dict, Iterator[Entry]]:
    """The header, and an iterator over the entries; PackError names the file and the line."""
    lines = _lines(path)
    header = _object(path, 1, next(lines, ""))
    if header.get("parity pack") != FORMAT:
        raise PackError(f"{path}:1: not a pack of format {FORMAT}: no such header")
    if not isinstance(header.get("fingerprint"), dict):
        raise PackError(f"{path}:1: the header has no fingerprint")
    return header, _entries(path, lines)


def _lines(path: Path) -> Iterator[str]:
    number = 0
    try:
        with lzma.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                number += 1
                yield line
    except FileNotFoundError as error:
        raise PackError(f"{path}: no such pack") from error
    except (lzma.LZMAError, EOFError, UnicodeDecodeError) as error:
        raise PackError(f"{path}:{number + 1}: cut off or not a pack: {error}") from error


def _object(path: Path, number: int, text: str) -> dict:
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise PackError(f"{path}:{number}: not JSON: {error.msg} (column {error.colno})") from error
    if not isinstance(found, dict):
        raise PackError(f"{path}:{number}: expected an object, got {type(found).__name__}")
    return found


def _entries(path: Path, lines: Iterator[str]) -> Iterator[Entry]:
    number = 1
    for number, text in enumerate(lines, 2):
        count = number - 2
        row = _object(path, number, text)
        if "end" in row:
            if row["end"] != count:
                raise PackError(f"{path}:{number}: {count} samples, the end says {row['end']}")
            return
        try:
            values = {str(k): _unpacked(v) for k, v in row["values"].items()}
            namespace, name = row["op"]
            if not isinstance(namespace, str) or not isinstance(name, str):
                raise ValueError(f"'op' is {row['op']!r}")
            note, dtype, form, inputs = (str(row[k]) for k in ("note", "dtype", "form", "in"))
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            what = f"no field {error}" if isinstance(error, KeyError) else str(error)
            raise PackError(f"{path}:{number}: not a sample's results: {what}") from error
        raised = str(row.get("error", ""))
        yield Entry((namespace, name), note, dtype, form, inputs, values, raised, number)
    raise PackError(f"{path}:{number}: cut off: the last line is missing")


# ---- the fingerprint -----------------------------------------------------------------------------

FLAGS = {
    "matmul.allow_tf32": ("cuda", "matmul", "allow_tf32"),
    "cudnn.allow_tf32": ("cudnn", "allow_tf32"),
    "fp16 reduced precision reduction": (
        "cuda",
        "matmul",
        "allow_fp16_reduced_precision_reduction",
    ),
    "bf16 reduced precision reduction": (
        "cuda",
        "matmul",
        "allow_bf16_reduced_precision_reduction",
    ),
    "cudnn.benchmark": ("cudnn", "benchmark"),
    "cudnn.deterministic": ("cudnn", "deterministic"),
}


def flag(torch: Any, name: str) -> tuple[Any, str]:
    """The object and the attribute of a flag of torch.backends."""
    *path, last = FLAGS[name]
    place = torch.backends
    for part in path:
        place = getattr(place, part)
    return place, last


def flag_value(torch: Any, name: str) -> bool | None:
    """Whether a flag is set; None where this torch does not have it."""
    try:
        return bool(getattr(*flag(torch, name)))
    except (AttributeError, RuntimeError):
        return None


def fingerprint(engine: Engine) -> dict[str, Any]:
    """What could change a result: versions, processor or GPU, flags, threads."""
    module = engine.module
    found: dict[str, Any] = {
        "engine": engine.name,
        "version": str(getattr(module, "__version__", "?")),
        "machine": platform.machine(),
        "numpy": np.__version__,
    }
    if not engine.is_torch:
        return found
    found["threads"] = module.get_num_threads()
    found["cpu"] = module.backends.cpu.get_cpu_capability()
    found["deterministic algorithms"] = module.are_deterministic_algorithms_enabled()
    found["flags"] = {n: value for n in FLAGS if (value := flag_value(module, n)) is not None}
    if engine.on_gpu:
        facts = module.cuda.get_device_properties(0)
        found |= {
            "gpu": facts.name,
            "capability": f"{facts.major}.{facts.minor}",
            "sm_count": facts.multi_processor_count,
            "threads_per_sm": facts.max_threads_per_multi_processor,
            "cuda": module.version.cuda,
            "cudnn": module.backends.cudnn.version(),
            "driver": getattr(module._C, "_cuda_getDriverVersion", lambda: None)(),
        }
    return found
