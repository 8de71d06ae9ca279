"""torch.backends: switches can be set, questions are answered, nothing changes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch

import minitorch_ref as engine

SCRIPT = """
import torch
import torch.backends.cudnn as cudnn
cudnn.benchmark = True
torch.backends.cudnn.deterministic = True
torch.backends.cuda.matmul.allow_tf32 = True
device = "mps" if torch.backends.mps.is_available() else "cpu"
print(device, cudnn.is_available(), torch.backends.cudnn.benchmark, torch.backends.cuda.is_built())
"""


def test_a_script_sets_the_usual_switches():
    command = [sys.executable, "-m", "minitorch_ref", "-c", SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    assert done.stdout == "cpu False True False\n", done.stderr


NAMES = ["enabled", "benchmark", "benchmark_limit", "deterministic", "allow_tf32"]


@pytest.mark.parametrize("name", NAMES)
def test_defaults_are_torchs(name):
    if name == "benchmark_limit":  # torch asks CUDA for it
        assert engine.backends.cudnn.benchmark_limit == 10
    else:
        assert getattr(engine.backends.cudnn, name) == getattr(torch.backends.cudnn, name)
    assert engine.backends.cuda.matmul.allow_tf32 == torch.backends.cuda.matmul.allow_tf32
    assert engine.backends.mps.is_available() == torch.backends.mps.is_available()


def test_flags_are_put_back():
    cudnn = engine.backends.cudnn
    with pytest.raises(ZeroDivisionError), cudnn.flags(enabled=False, benchmark=True):
        assert not cudnn.enabled and cudnn.benchmark
        raise ZeroDivisionError
    assert cudnn.enabled and not cudnn.benchmark


@pytest.mark.parametrize("left", ["as it is", "without AVX-512"])
def test_capability_is_what_numpy_was_left(left):
    """NumPy renamed its groups in 2.4: X86_V4 is AVX512_SKX, X86_V3 is AVX2."""
    hidden = "X86_V4 AVX512_ICL AVX512_SPR AVX512_SKX AVX512_CLX AVX512_CNL"
    hide = {} if left == "as it is" else {"NPY_DISABLE_CPU_FEATURES": hidden}
    environment = {**os.environ, **hide}
    ask = "import minitorch_ref as t; print(t.backends.cpu.get_cpu_capability())"
    done = subprocess.run(
        [sys.executable, "-c", ask], env=environment, capture_output=True, text=True, check=True,
        timeout=200,
    )
    if left == "as it is":
        assert done.stdout.strip() == engine.backends.cpu.get_cpu_capability()
    else:
        assert done.stdout.strip() in ("AVX2", "DEFAULT")
