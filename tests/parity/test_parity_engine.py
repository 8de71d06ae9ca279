"""A fast pass over our engine: the first calls of every op, function form, against torch."""

import pytest

from parity import ledger
from parity.compare import Lab
from parity.engines import open_engine
from parity.outcome import OpResult
from parity.runner import op_name, ops_to_compare
from parity.samples import row_for, samples_for

LAB = Lab(open_engine("minitorch_ref"), open_engine("torch"))
ENTRIES = ledger.load()
VALUES = ("out", "grad", "grad2", "error", "structure", "inputs", "op", "stream")


@pytest.mark.parametrize("key", ops_to_compare(LAB), ids=op_name)
def test_first_calls(key):
    """Values, dtypes, shapes, views and gradients of the first two float calls."""
    row = row_for(key)
    form = LAB.primary(row)
    assert form, "the op is in the registry, but not where torch has it"
    samples = [s for s in samples_for(key) if s.kind == "call" and s.dtype in ("float32", "int64", "complex64")][:4]
    for sample in samples:
        checks = LAB.compare_form(sample, row, form)
        result = OpResult(*key, row.family, row.level, [])
        bad = [c for c in checks if not c.verdict.ok and c.part.startswith(VALUES) and not c.part.endswith("grad_fn")]
        unknown = [c for c in bad if not any(e.covers(result.op, _result(sample), c) for e in ENTRIES)]
        assert not unknown, (str(sample), unknown)


def _result(sample):
    from parity.outcome import SampleResult
    return SampleResult(sample.note, str(sample), sample.kind, sample.dtype, [])
