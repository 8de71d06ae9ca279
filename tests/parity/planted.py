"""The laboratory's own proof: ten planted faults, and four differences that are no faults.

`python tests/parity/planted.py` runs them all and prints the tables: which part of the laboratory
found the fault, in how many seconds, and what it said.  test_planted.py holds every row to that.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

from faults import Faulty, FaultyRecorder, custom

from parity import draws, replay, trail
from parity.assertion import assert_parity
from parity.compare import Lab
from parity.diverge import compare, describe
from parity.engines import open_engine
from parity.explain import explain
from parity.outcome import Verdict
from parity.samples import row_for, samples_for
from parity.watch import watching

TORCH = open_engine("torch")


@dataclass(frozen=True)
class Planted:
    """A fault (or a harmless difference), the part that must name it, and a phrase of its verdict."""

    name: str
    part: str
    phrase: str
    run: Callable[[Path], str]


def checks_of(engine, key, wanted, most=4, forms=("function", "inplace")):
    """The failing checks of some samples of an op."""
    lab, row = Lab(engine, TORCH), row_for(key)
    chosen = [s for s in samples_for(key) if wanted in str(s) and s.kind == "call"][:most]
    return [c for s in chosen for c in lab.compare_sample(s, row).checks if not c.verdict.ok and c.form in forms]


def said(checks, part):
    found = [c for c in checks if c.part == part]
    return f"{part}: {found[0].verdict}: {found[0].detail}" if found else ""


# ---- a small training run, for what only shows in a program --------------------------------------


def training(torch, hidden=lambda x: x, extra=False, rows=24, layout=None, dropout=0.3):
    """Two steps of a convolution, dropout, a linear layer, SGD with momentum."""
    F = torch.nn.functional
    torch.manual_seed(3)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, stride=2, padding=1), torch.nn.Tanh(), torch.nn.Dropout(dropout), torch.nn.Flatten(), torch.nn.Linear(8 * 64, 10))
    x, t = torch.randn(rows, 3, 16, 16), torch.randint(0, 10, (rows,))
    if layout is not None:
        x = x.contiguous(memory_format=layout)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for _ in range(2):
        if extra:
            torch.rand(1)
        optimizer.zero_grad()
        F.cross_entropy(hidden(net(x)), t).backward()
        optimizer.step()


def trail_of(path, nudge=None, faults=None, **options):
    writer = trail.Writer(path, engine="torch", version="", script="", argv=[])
    recorder = FaultyRecorder(TORCH, writer, nudge, faults)
    with recorder.steps(), watching(TORCH, recorder):
        training(torch, **options)
    writer.close()
    return path


def diverged(folder, make):
    """What the finder says about the plain run and the one that `make(path)` records."""
    a = trail_of(folder / "a.trail")
    nulls = [trail_of(folder / f"null{k}.trail", nudge=k) for k in range(1, 4)]
    found = compare(a, make(folder / "b.trail"), nulls)
    return describe(found), found


# ---- the ten faults ------------------------------------------------------------------------------


def wrong_sign(folder):
    wrong = custom(torch.sin, lambda g, x: -g * x.conj().cos())
    return said(checks_of(Faulty("sin", wrong), ("torch", "sin"), "float32"), "grad[0]")


def dampened_momentum(folder):
    step = torch.optim.SGD.step

    def dampened(self, closure=None):
        found = step(self, closure)
        for state in self.state.values():
            state["momentum_buffer"] *= 0.9
        return found

    def make(path):
        torch.optim.SGD.step = dampened
        try:
            return trail_of(path)
        finally:
            torch.optim.SGD.step = step

    return diverged(folder, make)[0]


def padding_at_stride_two(folder):
    def shifted(x):
        return torch.nn.functional.pad(x, (1, 0))[..., :-1]

    def wrong(conv, x, *args, **kwargs):
        return conv(shifted(x), *args, **kwargs)

    def kernel(x, weight, *args, stride=1, **kwargs):
        x = shifted(x) if stride == 2 else x
        return torch.nn.functional.conv2d(x, weight, *args, stride=stride, **kwargs)

    where = diverged(folder, lambda path: trail_of(path, faults={"conv2d": wrong}))[0]
    key = ("nn.functional", "conv2d")
    what = said(checks_of(Faulty("conv2d", kernel, namespace="nn.functional"), key, "stride=2", 40), "out")
    return f"{where}\n{what}"


def tf32_matmul(folder):
    return said(checks_of(open_engine("torch:tf32"), ("torch", "matmul"), "float32"), "out")


def another_order(folder):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(12, 300)).astype(np.float32), rng.normal(size=(300, 8)).astype(np.float32)
    terms = replay.terms_of("matmul", [x, y], {})
    ours, theirs = (replay.ORDERS[o](terms, False).reshape(12, 8) for o in ("reversed", "blocked by 8"))
    check = assert_parity(ours, theirs, x.astype(float) @ y.astype(float), terms=300, magnitude=np.abs(x) @ np.abs(y))
    return f"{check.verdict}; {explain('matmul', [x, y], {}, ours, theirs)}"


def dropped_draw(folder):
    paths = [folder / "a.trail", folder / "b.trail"]
    for path, extra in zip(paths, (True, False)):
        draws.record(TORCH, path, lambda: training(torch, extra=extra))  # noqa: B023
    return draws.describe(*draws.compare(*paths))


def other_tie(folder):
    def last(x, *args, dim=None, keepdim=False):
        found = torch.max(x, *args, **({} if dim is None else {"dim": dim, "keepdim": keepdim}))
        if dim is None or not x.dim():
            return found
        return type(found)((found.values, x.shape[dim] - 1 - torch.max(x.flip(dim), dim, keepdim).indices))

    return said(checks_of(Faulty("max", last), ("torch", "max"), "ties>, dim=1 · float32"), "out.indices")


def three_ulp_exp(folder):
    def wrong(x):
        y = torch.exp(x)
        for _ in range(3 if y.dtype == torch.float32 else 0):
            y.data.copy_(torch.nextafter(y.detach(), torch.full_like(y, torch.inf)))
        return y

    return said(checks_of(Faulty("exp", wrong), ("torch", "exp"), "float32"), "out")


def leaking_float64(folder):
    return said(checks_of(Faulty("sum", lambda x, *a, **k: torch.sum(x, *a, **k).double()), ("torch", "sum"), "float32"), "out.dtype")


def no_version_bump(folder):
    def silent(x, *args, **kwargs):
        x.data.add_(*args, **kwargs)
        return x

    return said(checks_of(Faulty("add", inplace=silent), ("torch", "add"), "float32"), "version bumped")


FAULTS = [
    Planted("a wrong gradient sign in one op", "compare, explain", "ours is torch's with the other sign", wrong_sign),
    Planted("a momentum that dampens", "diverge", "momentum_buffer of parameter 0 differs\n  torch's is 0.9 times torch's", dampened_momentum),
    Planted("a convolution off by one in padding at stride 2", "diverge, explain", "ours: one more of padding before the width", padding_at_stride_two),
    Planted("TF32-truncated matmul", "compare, explain", "ours: TF32 inputs, rounded", tf32_matmul),
    Planted("a summation order change", "explain", "ours: reversed (", another_order),
    Planted("a dropped random draw", "draws", "draw 7 desynchronises: different op", dropped_draw),
    Planted("a tie broken the other way", "compare, choices", "discrete choice: both are valid", other_tie),
    Planted("a 3-ULP exp", "compare, explain", "ours: exp 3 ULP above", three_ulp_exp),
    Planted("float64 leaking in one op", "compare", "ours is float64, torch's float32", leaking_float64),
    Planted("an in-place write that skips the version bump", "compare", "version bumped", no_version_bump),
]


# ---- three differences that are no faults --------------------------------------------------------


def two_threads(folder):
    before = torch.get_num_threads()

    def make(path, threads, nudge=None):
        torch.set_num_threads(threads)
        try:
            return trail_of(path, nudge, rows=64)
        finally:
            torch.set_num_threads(before)

    nulls = [make(folder / f"n{k}.trail", 1, k) for k in (1, 2, 3)]
    return describe(compare(make(folder / "1.trail", 1), make(folder / "2.trail", 2), nulls))


def batch_of_one(folder):
    torch.manual_seed(1)
    x, layer = torch.randn(64, 500), torch.nn.Linear(500, 30)
    w, b = layer.weight.detach(), layer.bias.detach()
    whole = layer(x).detach()
    single = torch.cat([layer(row[None]) for row in x]).detach()
    check = assert_parity(single, whole, x.double() @ w.double().T + b.double(), terms=501, magnitude=x.abs() @ w.abs().T + b.abs())
    why = explain("nn.functional.linear", [x.numpy(), w.numpy(), b.numpy()], {}, single.numpy(), whole.numpy())
    return f"{check.verdict}; {why}"


def channels_last(folder):
    a = trail_of(folder / "a.trail", dropout=0.0)
    nulls = [trail_of(folder / f"null{k}.trail", nudge=k, dropout=0.0) for k in range(1, 4)]
    return describe(compare(a, trail_of(folder / "b.trail", dropout=0.0, layout=torch.channels_last), nulls))


def channels_last_dropout(folder):
    """Here the programs do differ: dropout draws in the order of memory."""
    text, found = diverged(folder, lambda path: trail_of(path, layout=torch.channels_last))
    return text if found.ok else "not explained: " + text


HARMLESS = [
    Planted("torch with 1 thread and with 2", "diverge", "", two_threads),
    Planted("a batch of 1 and the same rows in a batch of 64", "assert_parity, explain", "", batch_of_one),
    Planted("contiguous and channels-last", "diverge", "", channels_last),
    Planted("contiguous and channels-last, with dropout", "diverge", "", channels_last_dropout),
]
EXPLAINED = ("no divergence", "nothing beyond rounding", str(Verdict.EQUAL), str(Verdict.IDENTICAL))


def run(planted):
    """(what was said, seconds)."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        return planted.run(Path(folder)), time.perf_counter() - began


def main():
    torch.set_num_threads(1)
    for title, rows in (("planted fault", FAULTS), ("harmless difference", HARMLESS)):
        print(f"| {title} | found by | seconds | it said |\n| --- | --- | --- | --- |")
        for planted in rows:
            text, seconds = run(planted)
            words = " ".join(text.split()).replace("|", "·")
            decisive = [words.find(w) for w in ("explained: ", "first beyond", "nothing beyond") if w in words]
            words = words[min(decisive, default=0) :]
            print(f"| {planted.name} | {planted.part} | {seconds:.1f} | {words[:420]} |")
        print()


if __name__ == "__main__":
    main()
