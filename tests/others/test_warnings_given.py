"""One line, one call: the warnings it gives on both engines, and the error's type where it raises.

`warnings.txt` has a Python expression per line.  Compared are the warnings' categories and how their
texts begin; torch is asked to repeat what it says once only.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

LINES = Path(__file__).with_name("warnings.txt").read_text(encoding="utf-8").splitlines()
TELL = """
import importlib, io, json, sys, warnings
import numpy as np
warnings.simplefilter("ignore")
t = importlib.import_module(sys.argv[1])
nn, optim = t.nn, t.optim
importlib.import_module(sys.argv[1] + ".utils.data")
RO, NP = np.ones(2, np.float32), np.ones(2, np.float32)
RO.flags.writeable = False

def b(*shape, grad=0, **options):
    return t.ones(shape, requires_grad=bool(grad), **options)

scope = dict(torch=t, T=t.tensor, b=b, RO=RO, NP=NP, nn=nn, F=nn.functional, BUF=io.BytesIO)
t.set_warn_always(True)
for line in json.load(sys.stdin):
    scope["P"] = nn.Parameter(t.ones(2))
    scope["O"] = lambda: optim.SGD([nn.Parameter(t.ones(2))], 0.1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            eval(line, scope)
            error = ""
        except Exception as raised:
            error = type(raised).__name__
    # (of a retired overload torch shows the signature by names, which differ for function and method)
    texts = [" ".join(str(w.message).split(" (Triggered")[0].split()) for w in caught]
    texts = [x[: x.index(":") if x.startswith("This overload") else 70] for x in texts]
    found = [(w.category.__name__, x) for w, x in zip(caught, texts)]
    print(json.dumps([error, found]))
"""


def told(engine, lines):
    done = subprocess.run(
        [sys.executable, "-c", TELL, engine], input=json.dumps(lines), capture_output=True, text=True,
        check=True,
        timeout=200,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_same_warnings():
    ours, theirs = told("minitorch_ref", LINES), told("torch", LINES)
    assert len(ours) == len(theirs) == len(LINES)
    assert sum(bool(found) for _, found in theirs) > 90
    differing = [(x, a, b) for x, a, b in zip(LINES, ours, theirs) if a != b]
    assert not differing, "\n".join(map(str, differing))
