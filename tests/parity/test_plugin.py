"""The pytest plugin, run inside pytest."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SUITE = '''
import numpy as np, pytest, torch

def test_good(parity):
    x = torch.linspace(0, 1, 9)
    parity.check(np.sin(x.numpy()), torch.sin(x), torch.sin(x.double()))

def test_bad(parity):
    x = torch.linspace(0, 1, 9)
    parity.check(torch.sin(x) * 1.001, torch.sin(x), torch.sin(x.double()))

def test_dtype(parity, parity_dtype):
    x = torch.ones(3, dtype=getattr(torch, parity_dtype))
    parity.check(x, x)

def test_device(parity_device):
    assert parity_device == "cpu"

def test_without_the_fixture():
    from parity import assert_parity
    assert_parity([1.0, 2.0], [1.0, 2.0])

@pytest.mark.cuda
def test_gpu():
    assert torch.cuda.is_available()
'''


@pytest.fixture
def suite(tmp_path):
    (tmp_path / "test_inner.py").write_text(SUITE)

    def run(*args):
        flags = ["-p", "no:parity", "-p", "parity.pytest_plugin", "-p", "no:cacheprovider", "-p", "no:randomly", "-rs"]
        command = [sys.executable, "-m", "pytest", *flags, *args, str(tmp_path)]
        environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)

    return run


def test_fixtures_options_marker_and_summary(suite):
    import torch
    done = suite("--parity-dtypes", "float16, float64")
    out = done.stdout
    assert done.returncode == 1 and "1 failed" in out
    assert "ParityError" in out and "ULP off" in out
    assert "5 passed" in out and "parity/assertion.py" not in out, "the traceback ends in the test"
    assert "5 comparisons: " in out and "of its bound: " in out and "ULP, reference" in out and "test_inner.py::test_bad" in out
    if not torch.cuda.is_available():
        assert "torch sees no CUDA device here" in out, "a skip says why"


def test_figures_come_from_the_workers_of_xdist(suite):
    pytest.importorskip("xdist")
    done = suite("--parity-dtypes", "float16,bfloat16,float64", "-n", "2")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "6 comparisons: " in done.stdout and "1 worse" in done.stdout and "test_inner.py::test_bad" in done.stdout


def test_unknown_dtype_is_a_usage_error(suite):
    done = suite("--parity-dtypes", "float8")
    assert done.returncode == 4 and "unknown dtype 'float8'" in done.stderr + done.stdout


def test_a_missing_gpu_skips(suite):
    import torch
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    assert "2 skipped" in suite("--parity-device", "cuda").stdout
