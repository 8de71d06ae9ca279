"""Failures as standalone scripts: hex floats, as few as possible, no import but the engine's.

    python -m parity repro exp -k float32 --ours minitorch_ref --out repros

writes one script for every kind of failure of the op.  `python repros/exp-out.py torch` (or any other
engine's name) runs the call and compares what it sees with what both engines gave when the script
was written: exit code 0 if it is the reference's result, 1 if it is not.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

import numpy as np

from .compare import Lab
from .engines import Engine, EngineError, open_engine
from .outcome import Check
from .samples import row_for, samples_for
from .samples.materialise import array, arrays_of
from .samples.spec import Arr, Gen, Raw, Row, Sample, Sym
from .session import write_atomically
from .shrink import shrink

OBSERVE = '''\
def number(x):
    if isinstance(x, complex):
        return number(x.real) + "+" + number(x.imag) + "j"
    return x.hex() if isinstance(x, float) else repr(x)


def flat(x):
    return [y for item in x for y in flat(item)] if isinstance(x, list) else [x]


def show(name, x):
    """One line for each tensor in a result."""
    if isinstance(x, (tuple, list)):
        return [line for i, item in enumerate(x) for line in show(f"{name}[{i}]", item)]
    if not hasattr(x, "dtype") or not hasattr(x, "tolist"):
        return [f"{name} {x!r}"]
    words = " ".join(number(v) for v in flat([x.detach().tolist()]))
    return [f"{name} {str(x.dtype).removeprefix('torch.')} {list(x.shape)} {words}"]
'''

MAIN = """\
if __name__ == "__main__":
    engine = importlib.import_module(sys.argv[1] if len(sys.argv) > 1 else "torch")
    seen = observe(engine)
    print("\\n".join(seen))
    for name, lines in RECORDED.items():
        print(f"{'the same as' if seen == lines else 'not as'} {name} when this was written")
    sys.exit(0 if seen == RECORDED[REFERENCE] else 1)
"""


def hexed(x: Any) -> str:
    """A Python expression for one number, exact."""
    if isinstance(x, complex):
        return f"complex({hexed(x.real)}, {hexed(x.imag)})"
    return f'h("{x.hex()}")' if isinstance(x, float) else repr(x)


def tensor_text(data: np.ndarray) -> str:
    """An expression that makes this tensor from hex floats."""
    words = ", ".join(hexed(v) for v in data.reshape(-1).tolist())
    shape = ", ".join(map(str, data.shape))
    text = f"torch.tensor([{words}], dtype=torch.{data.dtype.name}).reshape({shape or '()'})"
    if not data.flags.c_contiguous and data.size and min(data.strides) > 0:
        strides = [s // data.itemsize for s in data.strides]
        return f"strided({text}, {strides})"
    return text


STRIDED = '''\
def strided(x, strides):
    """The values of x in memory with these strides."""
    size = 1 + sum((n - 1) * s for n, s in zip(x.shape, strides))
    y = torch.zeros(size, dtype=x.dtype).as_strided(tuple(x.shape), tuple(strides))
    y.copy_(x)
    return y
'''


class Script:
    """The text of a repro: tensors by name, the call, and what to look at."""

    def __init__(self, sample: Sample, row: Row, form: str, part: str) -> None:
        self.sample, self.row, self.form, self.part = sample, row, form, part
        self.lines: list[str] = []
        self.leaves: list[str] = []
        self.count = 0
        self.arrays: list[tuple[str, np.ndarray]] = []

    def _tensor(self, arr: Arr) -> Sym:
        data = array(arr, self.sample.dtype, (self.sample.op, self.sample.note, self.count))
        name = f"x{self.count}"
        self.count += 1
        self.lines.append(f"{name} = {tensor_text(data)}")
        if self.wants_gradients and arr.grad and data.dtype.kind in "fc":
            self.lines.append(f"{name}.requires_grad_()")
            self.leaves.append(name)
        return Sym(f"@{name}")

    @property
    def wants_gradients(self) -> bool:
        return self.sample.grad and self.part.startswith(("grad", "out.requires", "out.grad"))

    def body(self) -> list[str]:
        """The statements of `observe`, up to the list `seen`."""
        args, kwargs = arrays_of((self.sample.args, self.sample.kwargs), self._tensor)
        words = [text_of(a) for a in args]
        named = [f"{k}={text_of(v)}" for k, v in kwargs.items()]
        if self.row.random:
            self.lines.append("torch.manual_seed(1234)")
        name = self.sample.op
        if self.form in ("method", "inplace"):
            tail = "_" if self.form == "inplace" else ""
            target, *words = words
            if self.form == "inplace" and target in self.leaves:
                self.lines.append(f"{target}w = {target}.clone()")
                target += "w"
            name = f"{target}.{self.sample.name}{tail}"
            if self.form == "inplace":
                self.lines.append(f"version = {target}._version")
        else:
            name = f"torch.{name}"
        self.lines += [f"out = {name}({', '.join(words + named)})", 'seen = show("out", out)']
        if self.form == "inplace":
            self.lines.append(
                f'seen += [f"version bumped {{{target}._version > version}}, self {{out is {target}}}"]'
            )
        if self.wants_gradients and self.leaves:
            self._gradients()
        return self.lines

    def _gradients(self) -> None:
        self.lines += [
            "outs = [o for o in (out if isinstance(out, (tuple, list)) else [out]) "
            "if getattr(o, 'requires_grad', False)]",
            "weights = [cotangent(torch, o, i) for i, o in enumerate(outs)]",
            f"grads = torch.autograd.grad(outs, [{', '.join(self.leaves)}], weights, allow_unused=True)",
            'seen += show("grad", list(grads))',
        ]

    def text(self, recorded: dict[str, list[str]], reference: str, check: Check) -> str:
        """The whole script."""
        body = "\n        ".join(self.body() if not self.lines else self.lines)
        what = " ".join(f"{check.part}: {check.detail}".split()).replace("\\", "/")
        head = f'"""{self.sample.op}, {self.form}: {what[:400]}"""'.replace('""""', '" """')
        parts = [
            head,
            "import importlib\nimport sys\n\nh = float.fromhex",
            f"REFERENCE = {reference!r}\nRECORDED = {_pretty(recorded)}",
            OBSERVE.rstrip(),
        ]
        if "cotangent(" in body:
            parts.append(COTANGENT.rstrip())
        inner = [STRIDED.rstrip()] if "strided(" in body else []
        observe = ['def observe(torch):\n    """What the engine does, line by line."""']
        observe += ["    " + block.replace("\n", "\n    ") for block in inner]
        observe.append(
            f"    try:\n        {body}\n    except Exception as error:\n"
            f'        return [f"raises {{type(error).__name__}}"]\n    return seen'
        )
        return "\n\n\n".join([*parts, "\n".join(observe), MAIN])


COTANGENT = '''\
def cotangent(torch, out, number):
    """A fixed gradient for an output: -2, -1.5, ... 2, exact in every dtype."""
    n = out.numel()
    values = [((7 * i + 3 * number) % 9 - 4) / 2 or 0.25 for i in range(n)]
    return torch.tensor(values, dtype=torch.float64).to(out.dtype).reshape(tuple(out.shape))
'''


def _pretty(recorded: dict[str, list[str]]) -> str:
    rows = []
    for name, lines in recorded.items():
        inner = "".join(f"        {line!r},\n" for line in lines)
        rows.append(f"    {name!r}: [\n{inner}    ],\n")
    return "{\n" + "".join(rows) + "}"


def text_of(value: Any) -> str:
    """A Python expression for an argument."""
    if isinstance(value, Sym):
        return value.path[1:] if value.path.startswith("@") else f"torch.{value.path}"
    if isinstance(value, Gen):
        return f"torch.Generator().manual_seed({value.seed})"
    if isinstance(value, Raw):
        return f"{text_of(value.arr)}.detach().numpy()"
    if isinstance(value, tuple):
        return f"({', '.join(map(text_of, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, list):
        return f"[{', '.join(map(text_of, value))}]"
    if isinstance(value, slice):
        return f"slice({text_of(value.start)}, {text_of(value.stop)}, {text_of(value.step)})"
    if isinstance(value, float):
        return hexed(value)
    return repr(value)


def observe(source: str, engine: Engine) -> list[str]:
    """What a script's `observe` gives on an engine."""
    space: dict[str, Any] = {"__name__": "repro"}
    exec(compile(source, "repro", "exec"), space)
    return space["observe"](engine.module)


def write(
    lab: Lab, sample: Sample, row: Row, check: Check, folder: Path, most: int = 300
) -> tuple[Path, Sample]:
    """Shrink the failing check of a sample and write its script; the path, and what was left."""
    seen = lab.looks_closer
    lab.looks_closer = False

    def fails(candidate: Sample) -> bool:
        found = lab.compare_form(candidate, row, check.form)
        return any(c.part == check.part and c.verdict == check.verdict for c in found)

    try:
        small = shrink(sample, fails, most)
    finally:
        lab.looks_closer = seen
    script = Script(small, row, check.form, check.part)
    draft = script.text({}, lab.theirs.name, check)
    recorded = {e.name: observe(draft, e) for e in (lab.theirs, lab.ours)}
    text = script.text(recorded, lab.theirs.name, check)
    name = re.sub(r"[^\w.-]+", "_", f"{sample.op}-{check.form}-{check.part}").strip("_")
    path = folder / f"{name}.py"
    write_atomically(path, text)
    return path, small


# ---- the command ---------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("op", help="an op's name: exp, nn.functional.conv2d, …")
    add("--ours", default="minitorch_ref", metavar="ENGINE", help="the engine that is judged")
    add("--theirs", default="torch", metavar="ENGINE", help="the reference (default: torch)")
    add("-k", dest="note", default="", metavar="TEXT", help="only samples whose text has this")
    add("--out", default="out/parity/repros", metavar="DIR", help="where the scripts go")
    add("--most", type=int, default=300, metavar="N", help="trials for shrinking one failure")


def main(args: argparse.Namespace) -> int:
    """Write a script for each part that fails; 0 if nothing fails, 1 otherwise."""
    lab = Lab(open_engine(args.ours), open_engine(args.theirs))
    namespace, _, name = args.op.rpartition(".")
    key = namespace or "torch", name
    row = row_for(key)
    if row is None:
        raise EngineError(f"no samples of an op {args.op!r}")
    done: set[tuple[str, str]] = set()
    for sample in samples_for(key):
        if args.note not in str(sample):
            continue
        for check in lab.compare_sample(sample, row).checks:
            where = check.form, check.part
            if check.verdict.ok or check.form.startswith("out=") or where in done:
                continue
            done.add(where)
            path, small = write(lab, sample, row, check, Path(args.out), args.most)
            print(f"{check.form} {check.part}: {check.detail[:150]}\n  {path}: {small}")
    print(f"{len(done)} kinds of failure")
    return 1 if done else 0
