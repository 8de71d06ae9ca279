"""On a GPU: torch's CUDA results and ours, each against the float64 oracle.  Skips without one."""

import numpy as np
import pytest

from parity.compare import Lab
from parity.engines import open_engine
from parity.outcome import Verdict
from parity.pytest_plugin import cuda_missing
from parity.samples import row_for, samples_for

pytestmark = [pytest.mark.cuda, pytest.mark.skipif(bool(cuda_missing()), reason=cuda_missing() or "-")]

OPS = [("torch", n) for n in ("add", "mul", "exp", "sin", "tanh", "sum", "mean", "softmax", "matmul", "sort", "cumsum", "where")]
OPS += [("nn.functional", n) for n in ("conv2d", "max_pool2d", "cross_entropy", "layer_norm")]


@pytest.fixture(scope="module")
def gpu():
    engine = open_engine("torch:cuda")
    engine.module.backends.cuda.matmul.allow_tf32 = False
    engine.module.backends.cudnn.allow_tf32 = False
    return engine


@pytest.mark.parametrize("key", OPS, ids=lambda k: k[1])
def test_our_values_are_as_good_as_the_gpus(key, gpu, ours):
    """Only numbers are compared: layouts, views and messages are the CPU's contract."""
    from dataclasses import replace
    lab, row = Lab(ours, gpu), row_for(key)
    row = replace(row, level="sum" if row.level == "exact" and row.family != "indexing" else row.level)
    for sample in samples_for(key):
        if sample.kind != "call" or sample.dtype not in ("float32", "float64"):
            continue
        failing = [c for c in lab.compare_form(sample, row, lab.primary(row)) if not c.verdict.ok and c.part.startswith(("out", "grad")) and "." not in c.part]
        assert not [c for c in failing if c.verdict == Verdict.WORSE], (str(sample), failing)


def test_tf32_is_told_from_rounding(gpu):
    """A product with truncated inputs is worse than γₙ|A||B|, and parity says so."""
    from parity import ParityError, assert_parity
    torch = gpu.module
    a, b = (torch.randn(256, 256, device="cuda") for _ in range(2))
    exact, size = (a.double() @ b.double()).cpu(), (a.abs().double() @ b.abs().double()).cpu()
    assert_parity(a @ b, (a.cpu() @ b.cpu()), exact, terms=256, magnitude=size)
    torch.backends.cuda.matmul.allow_tf32 = True
    try:
        with pytest.raises(ParityError):
            assert_parity(a @ b, (a.cpu() @ b.cpu()), exact, terms=4, magnitude=np.asarray(size) / 256)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = False
