"""Importing the reference: what happens where torch or torchvision's operators are missing."""

import subprocess
import sys
from pathlib import Path

import pytest

from parity import torch_side

ROOT = Path(__file__).parents[2]


def test_torchvision_comes_with_its_transforms():
    done = subprocess.run([sys.executable, "-c", "from parity.torch_side import import_torchvision as i; print(i().transforms.ToTensor())"],
                          cwd=ROOT, capture_output=True, text=True, timeout=120)
    if "No module named 'torchvision'" in done.stderr:
        pytest.skip("torchvision is not installed")
    assert "ToTensor()" in done.stdout, done.stderr[-500:]


def test_another_error_is_not_hidden(monkeypatch):
    def broken(name):
        raise RuntimeError("something else")

    monkeypatch.setattr(torch_side, "import_torch", lambda: None)
    monkeypatch.setattr(torch_side.importlib, "import_module", broken)
    with pytest.raises(RuntimeError, match="something else"):
        torch_side.import_torchvision()


def test_torch_missing(monkeypatch):
    def missing(name):
        raise ImportError("No module named 'torch'")

    monkeypatch.setattr(torch_side.importlib, "import_module", missing)
    with pytest.raises(ImportError, match="parity compares with PyTorch: install torch"):
        torch_side.import_torch()
