"""The text of a repro: a script that makes the tensors from hex floats, calls, and looks.

A script imports nothing but the engine that it is given.  Its `observe(torch)`, which comes first,
returns lines: every output's dtype, shape and bits, gradients and second gradients, and of the
things that torch documents besides (strides, whose memory a view is, names of nodes, what a call
wrote) those that the failing check is about.  Below it stand what both engines gave, how much of a
difference is rounding, and the few functions that print and compare.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np

from .engines import Engine
from .ledger import processor
from .outcome import Check, Verdict
from .record import OUT_DTYPES, Value
from .samples.materialise import array, arrays_of
from .samples.spec import Arr, Gen, Raw, Row, Sample, Sym

OBSERVE = '''\
def number(x):
    if isinstance(x, complex):
        return number(x.real) + "+" + number(x.imag) + "j"
    return re.sub(r"\\.?0*p", "p", x.hex()) if isinstance(x, float) else repr(x)


def flat(x):
    return [y for item in x for y in flat(item)] if isinstance(x, list) else [x]


def show(name, x):
    """One line for each tensor in a result."""
    if isinstance(x, (tuple, list)):
        return [line for i, item in enumerate(x) for line in show(f"{name}[{i}]", item)]
    if isinstance(x, float):
        return [f"{name} float [] {number(x)}"]
    if not hasattr(x, "dtype") or not hasattr(x, "tolist"):
        return [f"{name} {number(x)}"]
    words = " ".join(number(v) for v in flat([x.detach().tolist()]))
    return [f"{name} {str(x.dtype).removeprefix('torch.')} {list(x.shape)} {words}"]
'''

TENSORS = '''\
def tensors(x):
    """The tensors in a result, in reading order."""
    if isinstance(x, (tuple, list)):
        return [y for item in x for y in tensors(item)]
    return [x] if hasattr(x, "requires_grad") else []
'''

FACTS = '''\
def facts(out, inputs):
    """Of each tensor that came out: strides, whose memory it has, and its node."""
    lines = []
    for i, y in enumerate(tensors(out)):
        place = y.untyped_storage().data_ptr()
        shared = [k for k, x in enumerate(inputs) if x.untyped_storage().data_ptr() == place]
        node = y.grad_fn.name() if y.grad_fn is not None else None
        lines.append(f"out {i}: strides {list(y.stride())}, memory of inputs {shared}, "
                     f"requires_grad {y.requires_grad}, {node}")
    return lines
'''

STRIDED = '''\
def strided(torch, x, strides):
    """The values of x in memory with these strides."""
    size = 1 + sum((n - 1) * s for n, s in zip(x.shape, strides))
    y = torch.zeros(size, dtype=x.dtype).as_strided(tuple(x.shape), tuple(strides))
    y.copy_(x)
    return y
'''

MAIN = """\
def differences(seen, lines):
    '''Where two lists of lines differ: ULPs of a tensor's largest number, and in words.'''
    for a, b in itertools.zip_longest(seen, lines, fillvalue="nothing"):
        x, y = (re.fullmatch(r"(.*) float(16|32|64|) (\\[.*\\]) (.+)", line) for line in (a, b))
        if a == b:
            continue
        if not x or not y or x.groups()[:3] != y.groups()[:3]:
            yield math.inf, f"{a!r} instead of {b!r}"
            continue
        pairs = [(h(p), h(q)) for p, q in zip(x[4].split(), y[4].split())]
        size = max([abs(q) for _, q in pairs if math.isfinite(q)], default=0.0)
        unit = 2.0 ** (math.frexp(size)[1] - {"16": 11, "32": 24}.get(x[2], 53))
        for i, (p, q) in enumerate(pairs):
            off = abs(p - q) / unit if p != q else 0.0
            if p.hex() != q.hex():
                words = f"{x[1]}, number {i}: {number(p)} instead of {number(q)}"
                yield (off if off == off else math.inf), f"{words}, {off:.3g} ULP apart"


if __name__ == "__main__":
    engine = importlib.import_module(sys.argv[1] if len(sys.argv) > 1 else "torch")
    seen = observe(engine)
    print("\\n".join(seen))
    found = list(differences(seen, RECORDED[REFERENCE]))
    if found:
        print(f"first difference: {found[0][1]}")
    for name, lines in RECORDED.items():
        print(f"{'the same as' if seen == lines else 'not as'} {name} when this was written")
    same = seen == RECORDED[REFERENCE] or WITHIN and all(off <= WITHIN for off, _ in found)
    if found and WITHIN:
        print(f"{'within' if same else 'beyond'} the {WITHIN} ULP that rounding explains")
    sys.exit(0 if same else 1)
"""


def hexed(x: Any) -> str:
    """A Python expression, exact: a number in hex unless it is a small whole one, others as they are."""
    if isinstance(x, complex):
        return f"complex({hexed(x.real)}, {hexed(x.imag)})"
    if not isinstance(x, float) or x.is_integer() and abs(x) < 100:
        return repr(x)
    return f'h("{re.sub(r"[.]?0*p", "p", x.hex())}")'


def sequence(value: tuple | list | slice, text: Callable[[Any], str]) -> str:
    """A Python expression for these, with `text` for what is in them."""
    if isinstance(value, slice):
        return f"slice({text(value.start)}, {text(value.stop)}, {text(value.step)})"
    items = ", ".join(map(text, value))
    if isinstance(value, list):
        return f"[{items}]"
    return f"({items}{',' if len(value) == 1 else ''})"


def text_of(value: Any) -> str:
    """A Python expression for an argument, its numbers in hex."""
    if isinstance(value, Sym):
        return value.path[1:] if value.path.startswith("@") else f"torch.{value.path}"
    if isinstance(value, Gen):
        return f"torch.Generator().manual_seed({value.seed})"
    if isinstance(value, Raw):
        return f"{text_of(value.arr)}.detach().numpy()"
    return sequence(value, text_of) if isinstance(value, (tuple, list, slice)) else hexed(value)


PLAIN = ("float32", "int64", "bool")  # the dtypes that torch.tensor chooses itself


def tensor_text(data: np.ndarray) -> str:
    """An expression that makes this tensor from hex floats."""
    named = data.dtype.name not in PLAIN or not data.size
    dtype = f", dtype=torch.{data.dtype.name}" if named else ""
    text = f"torch.tensor({text_of(data.tolist())}{dtype})"
    if not data.size:
        text += f".reshape({', '.join(map(str, data.shape))})"
    if not data.flags.c_contiguous and data.size and min(data.strides) > 0:
        strides = [s // data.itemsize for s in data.strides]
        return f"strided(torch, {text}, {strides})"
    return text


def quoted(text: str) -> str:
    """Python's repr, in double quotes where that needs no escapes."""
    return repr(text) if repr(text)[1:-1] != text or '"' in text else f'"{text}"'


def _pretty(recorded: dict[str, list[str]]) -> str:
    rows = []
    for name, lines in recorded.items():
        inner = "".join(f"        {quoted(line)},\n" for line in lines)
        rows.append(f"    {quoted(name)}: [\n{inner}    ],\n")
    return "{\n" + "".join(rows) + "}"


class Script:
    """A repro of one check: tensors by name, the call, and what to look at.

    cotangents, seconds: the weights of the backward passes, as the laboratory drew them.
    outs: what the function gives, for the form with out=.
    """

    def __init__(
        self,
        sample: Sample,
        row: Row,
        check: Check,
        cotangents: list[np.ndarray],
        seconds: list[np.ndarray],
        outs: dict[str, Any],
    ) -> None:
        self.sample, self.row, self.form, self.part = sample, row, check.form, check.part
        self.check, self.cotangents, self.seconds, self.outs = check, cotangents, seconds, outs
        self.lines: list[str] = []
        self.names: list[str] = []
        self.leaves: list[str] = []
        self._write()

    # ---- what `observe` does ---------------------------------------------------------------------

    @property
    def wants_gradients(self) -> bool:
        """The check needs inputs that require grad."""
        about = self.part.endswith((".requires_grad", ".grad_fn"))
        return (
            self.form == "out=grad" or self.sample.grad and (self.part.startswith("grad") or about)
        )

    def _tensor(self, arr: Arr) -> Sym:
        data = array(arr, self.sample.dtype, (self.sample.op, self.sample.note, len(self.names)))
        name = f"x{len(self.names)}"
        self.names.append(name)
        self.lines.append(f"{name} = {tensor_text(data)}")
        if self.wants_gradients and arr.grad and data.dtype.kind in "fc":
            self.lines.append(f"{name}.requires_grad_()")
            self.leaves.append(name)
        return Sym(f"@{name}")

    def _write(self) -> None:
        args, kwargs = arrays_of((self.sample.args, self.sample.kwargs), self._tensor)
        words = [text_of(a) for a in args]
        named = [f"{k}={text_of(v)}" for k, v in kwargs.items()]
        if self.row.random:
            self.lines.append("torch.manual_seed(1234)")
        name, target = f"torch.{self.sample.op}", ""
        if self.form.startswith("out="):
            self._outs(name, ", ".join(words + named))
            return
        if self.form in ("method", "inplace"):
            target, *words = words
            if self.form == "inplace" and target in self.leaves:
                self.lines.append(f"{target}w = {target}.clone()")
                target += "w"
            name = f"{target}.{self.sample.name}{'_' * (self.form == 'inplace')}"
        if self.form == "inplace":
            self.lines.append(f"version = {target}._version")
        self.lines += [f"out = {name}({', '.join(words + named)})", 'seen = show("out", out)']
        if self.form == "inplace":
            what = f"version bumped {{{target}._version > version}}, self {{out is {target}}}"
            self.lines.append(f'seen += [f"{what}"]')
        self._facts()
        if self.wants_gradients and self.leaves and self.part.startswith("grad"):
            self._gradients()

    def _facts(self) -> None:
        inputs = f"[{', '.join(self.names)}]"
        if self.part.endswith((".view", ".stride", ".requires_grad", ".grad_fn")):
            self.lines.append(f"seen += facts(out, {inputs})")
        if self.part == "inputs" or self.part.startswith("argument"):
            self.lines.append(f'seen += show("inputs afterwards", {inputs})')
        if self.part == "stream position":
            self.lines.append('seen += show("the next draws", torch.randint(0, 2**24, (2,)))')

    def _outs(self, name: str, arguments: str) -> None:
        made = [v.dtype for v in self.outs.values() if isinstance(v, Value)]
        change = OUT_DTYPES.get(self.form.removeprefix("out="), {})
        texts = [f"torch.empty(0, dtype=torch.{change.get(d, d)})" for d in made]
        given = texts[0] if "out" in self.outs else f"({', '.join(texts)},)"
        self.lines += [
            f"given = {given}",
            "versions = [y._version for y in tensors(given)]",
            f"out = {name}({arguments}, out=given)",
            'seen = show("out", given)',
            "same = [y is z or y.data_ptr() == z.data_ptr() for y, z in "
            "zip(tensors(out), tensors(given))]",
            "bumped = [y._version > v for y, v in zip(tensors(given), versions)]",
            'seen += [f"returns out {same}, version bumped {bumped}"]',
        ]

    def _gradients(self) -> None:
        leaves, twice = ", ".join(self.leaves), self.part.startswith("grad2")
        weights = "".join(f"\n    {tensor_text(w)}," for w in self.cotangents)
        given = "[w.requires_grad_() for w in weights]" if twice else "weights"
        self.lines += [
            f"weights = [{weights}\n]",
            "outs = [o for o in tensors(out) if o.requires_grad]",
            f"grads = torch.autograd.grad(outs, [{leaves}], {given}, "
            f"{'create_graph=True, ' if twice else ''}allow_unused=True)",
            'seen += show("grad", list(grads))',
        ]
        if not twice:
            return
        more = "".join(f"\n    {tensor_text(w)}," for w in self.seconds)
        self.lines += [
            f"weights2 = [{more}\n]",
            "firsts = [g for g in grads if g is not None and g.requires_grad]",
            f"seconds = torch.autograd.grad(firsts, [{leaves}, *weights], weights2, "
            "allow_unused=True)",
            'seen += show("grad2", list(seconds))',
        ]

    # ---- the whole -------------------------------------------------------------------------------

    def text(self, theirs: Engine, ours: Engine, within: float = 0.0) -> str:
        """The script, with what both engines give; `within`: ULPs that rounding explains."""
        title = f"{self.sample.op}, {self.form}: {self.part}: {self.check.detail}"
        return finished(title, self.lines, theirs, ours, within, self.part == "error")


HELPERS = {"strided(": STRIDED, "tensors(": TENSORS, "facts(": FACTS}


def finished(
    title: str,
    lines: list[str],
    theirs: Engine,
    ours: Engine,
    within: float = 0.0,
    messages: bool = False,
) -> str:
    """The script with what both engines give, and with what it was made.

    within: ULPs that rounding explains; none are allowed if ours would pass with them.
    """
    draft = assemble(title, lines, {}, theirs.name, messages=messages)
    recorded = {e.name: observe(draft, e) for e in (theirs, ours)}
    versions = [f"{e.name} {getattr(e.module, '__version__', '')}".strip() for e in (theirs, ours)]
    made = f"Written with {' and '.join(versions)}; torch rounds as for {processor() or 'any'}.\n"

    def text(allowed: float) -> str:
        return assemble(title, lines, recorded, theirs.name, allowed, messages, made=made)

    return text(within) if tells_apart(text(within), recorded[ours.name]) else text(0.0)


def _heading(title: str, engines: list[str], reference: str, within: float) -> str:
    """What fails, and how the script is run."""
    what = " ".join(title.split()).replace("\\", "/").replace('""', "''")
    wrapped = "\n".join(textwrap.wrap(what[:600], 99))
    runs = " or ".join(f"`python FILE {name}`" for name in engines if " " not in name)
    but = " (but for rounding)" if within else ""
    usage = f"Run {runs}, FILE being this one.\nExit code 0: {reference}'s result{but}, 1: another."
    return f"{wrapped}\n\n{usage}\n"


def assemble(
    title: str,
    lines: list[str],
    recorded: dict[str, list[str]],
    reference: str,
    within: float = 0.0,
    messages: bool = False,
    constants: str = "",
    made: str = "",
) -> str:
    """The script whose `observe` runs `lines`, which leave what they saw in `seen`.

    recorded: what each engine gave.  within: ULPs that rounding explains.  messages: whether the
    text of an exception counts.  constants: more of them, as code.
    made: with what the script was.
    """
    body = "\n".join(lines).replace("\n", "\n        ")
    said = ": {error}" if messages else ""
    observe = (
        'def observe(torch):\n    """What the engine does, line by line."""\n'
        f"    try:\n        {body}\n    except Exception as error:\n"
        f'        return [f"raises {{type(error).__name__}}{said}"]\n    return seen'
    )
    modules = ["importlib", "itertools", "math", "re", "sys"]
    modules += [m for m in ("base64", "io") if re.search(rf"\b{m}[.]", body)]
    needed = body + FACTS * ("facts(" in body)
    helpers = [OBSERVE, *(t for word, t in HELPERS.items() if word in needed)]
    parts = [
        f'"""{_heading(title, list(recorded), reference, within)}{made}"""',
        "\n".join(f"import {m}" for m in sorted(modules)) + "\n\nh = float.fromhex",
        observe,
        f"REFERENCE = {quoted(reference)}\n"
        f"WITHIN = {within!r}  # {'ULPs that rounding explains' if within else 'every bit counts'}\n"
        f"RECORDED = {_pretty(recorded)}{constants}",
        *(h.rstrip() for h in helpers),
        MAIN,
    ]
    return "\n\n\n".join(parts)


def observe(source: str, engine: Engine) -> list[str]:
    """What a script's `observe` gives on an engine."""
    return _space(source)["observe"](engine.module)


def rounding(checks: list[Check]) -> float:
    """How many ULPs two sound engines may be apart where these checks fail; 0 if by no bit."""
    if any(c.verdict != Verdict.WORSE for c in checks):
        return 0.0
    return float(f"{max((c.bound or 0.0) + (c.theirs or 0.0) for c in checks):.3g}")


def tells_apart(source: str, lines: list[str]) -> bool:
    """Whether a script would call these lines other than the reference's."""
    space = _space(source)
    found = list(space["differences"](lines, space["RECORDED"][space["REFERENCE"]]))
    return any(off > space["WITHIN"] for off, _ in found) or not space["WITHIN"] and bool(found)


def _space(source: str) -> dict[str, Any]:
    space: dict[str, Any] = {"__name__": "repro"}
    exec(compile(source, "repro", "exec"), space)
    return space
