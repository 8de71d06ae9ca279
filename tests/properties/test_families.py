"""Every family of the op tables on varied calls: values, dtypes, views, gradients, errors as torch has them.

One property for all: whatever a varied call does on torch, it does here - in the function, method,
in-place and `out=` forms.  Known deviations are those of the ledger, and what torch itself leaves
open: see `left_open` and the tables in varied.py.
"""

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from varied import ROWS, tensors, varied

from parity import ledger
from parity.compare import Lab
from parity.engines import open_engine
from parity.outcome import SampleResult

LAB = Lab(open_engine("minitorch_ref"), open_engine("torch"))
LAB.looks_closer = False
LEDGER = ledger.load()

COMPARISON = set(
    "eq ne lt le gt ge isclose isfinite isinf isposinf isneginf isnan isreal isin allclose equal maximum "
    "minimum max min argsort kthvalue sort msort topk searchsorted bucketize".split()
)
OTHER = set(
    "histc histogram bincount cummax cummin cumprod cumsum logcumsumexp diff trapezoid trapz "
    "cumulative_trapezoid".split()
)
FAMILIES = {
    "pointwise": "pointwise", "special": "pointwise", "reduction": "reduction", "creation": "creation",
    "shaping": "joining", "indexing": "indexing", "linear algebra": "linear algebra",
    "solving": "linear algebra", "decompositions": "linear algebra", "spectral": "spectral",
    "nn.functional": "nn.functional", "nn on torch": "nn.functional", "losses": "nn.functional",
    "convolution": "nn.functional", "recurrent": "nn.functional",
}  # fmt: skip


def family(row):
    """The family of the op tables that a row belongs to."""
    if row.name in COMPARISON:
        return "comparison"
    if row.name in OTHER or row.family in ("others", "extras", "sequences"):
        return "other"
    if row.family == "distributions":
        return None  # draws whose parameters have a range; tests/distributions has them
    return FAMILIES[row.family]


def keys(wanted):
    """The ops of a family that have calls.  (addbmm: torch resizes what it writes to.)"""
    found = (k for k, r in ROWS.items() if r.calls and family(r) == wanted and LAB.primary(r))
    return sorted(k for k in found if k[1] != "addbmm")


INTERNAL = re.compile(r"ours:? (Assertion|Attribute|Name|Key|ZeroDivision|UnboundLocal)Error|raises Num")
OPEN = re.compile(
    r"torch raises .*returned an invalid gradient"  # it has none where the source is larger
    r"|non-zero size for non-batch"  # whether pools take no channels depends on their route
    r"|torch raises .*last dimension with stride 1"  # it cannot view an empty cotangent
    r"|torch raises .*view size is not compatible"  # some of its functions take views of operands
    r"|torch raises .*does not support automatic differentiation"  # of empty complex results
    r"|torch raises .*(oneMKL|primitive descriptor)|kernel size should be greater than zero"
    r"|torch gives a result; ours raises .*(single memory location|out of bounds)"  # its own lapses
)


def left_open(check, sample):
    """Whether it is open what should happen: several things are wrong, or torch fails by itself.

    Of a call that both refuse it is not compared which flaw is named first.  The stride of a dim of
    one element says nothing.
    """
    if check.part.endswith(("afterwards", ".grad_fn")):
        return True  # the in-place result, compared by itself; the node of torch's own route
    if check.part.endswith(".stride"):
        return any(1 in a.shape for a in tensors(sample))
    if check.part not in ("error", "grad", "grad2"):
        return False
    return bool(OPEN.search(check.detail)) or not (
        "gives a result" in check.detail or INTERNAL.search(check.detail)
    )


def deviations(lab, sample):
    """What of a sample's checks fails that the ledger does not know."""
    with np.errstate(all="ignore"):
        found = lab.compare_sample(sample, ROWS[sample.namespace, sample.name])
    shown = SampleResult(sample.note, "", "", "", [])
    return [
        f"{c.form} {c.part}: {c.detail}"
        for c in found.checks
        if not c.verdict.ok
        and not left_open(c, sample)
        and not any(e.covers(sample.op, shown, c) for e in LEDGER)
    ]


@pytest.mark.parametrize("wanted", sorted(set(FAMILIES.values()) | {"comparison", "other"}))
@given(data=st.data())
@settings(suppress_health_check=list(HealthCheck))
def test_varied_calls_do_what_torch_does(wanted, data):
    sample = data.draw(varied(keys(wanted)))
    assert not deviations(LAB, sample), sample


class Wrong:
    """Our engine with one function that is wrong in one way."""

    def __init__(self, name, change):
        self.engine, self.name, self.change = open_engine("minitorch_ref"), name, change

    def __getattr__(self, attribute):
        return getattr(self.engine, attribute)

    def find(self, namespace, name):
        found = self.engine.find(namespace, name)
        return self.change(found) if name == self.name and found is not None else found


@pytest.mark.parametrize("name, change", [
    ("amax", lambda f: lambda x, *a, **k: f(x, *a, **k) * 1.0000002),
    ("narrow", lambda f: lambda *a, **k: f(*a, **k).clone()),
    ("take", lambda f: lambda x, i: f(x.detach(), i)),
    ("floor", lambda f: lambda x: f(x) + 0),  # -0 lost
    ("cumsum", lambda f: lambda x, *a, **k: f(x.double(), *a, **k)),
    ("cat", lambda f: lambda xs, *a, **k: f(list(xs)[::-1], *a, **k)),
    ("triu", lambda f: lambda *a, **k: f(*a, **k) if a[0].numel() else 1 / 0),
])  # fmt: skip
def test_a_wrong_op_is_found(name, change):
    lab = Lab(Wrong(name, change), open_engine("torch"))
    lab.looks_closer = False

    @given(varied([("torch", name)]))
    @settings(suppress_health_check=list(HealthCheck), phases=[Phase.generate], database=None, max_examples=100)
    def property_holds(sample):
        assert not deviations(lab, sample)

    with pytest.raises(AssertionError):
        property_holds()
