"""The shape of the source: imports point down, torch is never imported, files stay readable."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "minitorch_ref"

# From the ground up.  A module may import from its own layer and from those above it in this list.
LAYERS = [
    ["version", "quiet", "dtypes", "device", "layout", "settings", "return_types", "accelerator",
     "distributed", "onnx"],
    ["kernels"],
    ["autograd.modes"],
    ["tensor"],
    ["bridges", "random", "autograd", "storage", "shared", "utils.hooks"],
    ["ops", "printing"],
    ["nn.parameter"],
    ["nn.functional", "serialization", "linalg", "fft", "special", "signal", "cuda", "backends"],
    ["nn"],
    ["optim", "utils", "func", "amp", "cuda.amp", "compiling", "jit",
     "multiprocessing", "distributions"],
    ["vision"],
    ["programs", "testing"],
    ["__main__"],
]


def layer_of(name: str) -> int:
    """The index of the layer whose longest prefix fits a module's name (within the package)."""
    best, found = -1, -1
    for i, layer in enumerate(LAYERS):
        for prefix in layer:
            if (name == prefix or name.startswith(prefix + ".")) and len(prefix) > best:
                best, found = len(prefix), i
    return found


def module_name(path: Path) -> str:
    parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path):
    """(line, absolute module name within the package, or top-level name outside) of every import."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = list(path.relative_to(PACKAGE).parent.parts)
    type_only = {
        id(n)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.unparse(branch.test)
        for n in ast.walk(branch)
    }
    for node in ast.walk(tree):
        if id(node) in type_only:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, False
        elif isinstance(node, ast.ImportFrom):
            if not node.level:
                yield node.lineno, node.module, False
                continue
            base = package[: len(package) - (node.level - 1)]
            target = base + (node.module.split(".") if node.module else [])
            for alias in node.names:
                inner = PACKAGE.joinpath(*target, alias.name)
                is_module = inner.is_dir() or inner.with_suffix(".py").exists()
                yield node.lineno, ".".join([*target, alias.name] if is_module else target), True


FILES = sorted(PACKAGE.rglob("*.py"))


def violations():
    for path in FILES:
        name = module_name(path)
        if name == "":
            continue  # the package itself publishes everything
        own = layer_of(name)
        if own < 0:
            yield f"{path.relative_to(ROOT)}: in no layer"
            continue
        for line, target, inside in imports_of(path):
            if inside and target and layer_of(target) > own:
                yield f"{path.relative_to(ROOT)}:{line} imports {target}, a layer above {name}"


def test_imports_point_down_only():
    assert list(violations()) == []


def test_the_check_sees_an_import_that_points_up(tmp_path, monkeypatch):
    bad = tmp_path / "minitorch_ref"
    (bad / "kernels").mkdir(parents=True)
    (bad / "tensor.py").write_text("")
    (bad / "kernels" / "conv.py").write_text("def f():\n    from ..tensor import Tensor\n")
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", bad)
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    monkeypatch.setattr(sys.modules[__name__], "FILES", sorted(bad.rglob("*.py")))
    assert ["layer above" in v for v in violations()] == [True]


def test_kernels_import_numpy_alone():
    # SciPy, when first needed, for one BLAS routine NumPy does not expose (a fused axpy).
    allowed = {"numpy", "threadpoolctl", "scipy"} | sys.stdlib_module_names
    for path in sorted((PACKAGE / "kernels").glob("*.py")):
        for line, target, inside in imports_of(path):
            where = f"{path.name}:{line} imports {target}"
            assert target.startswith("kernels") if inside else target.split(".")[0] in allowed, where


def test_torch_is_never_imported():
    for path in FILES:
        for line, target, inside in imports_of(path):
            outside = not inside and target.split(".")[0] in ("torch", "torchvision")
            assert not outside, f"{path.relative_to(ROOT)}:{line} imports {target}"


RUN_WITHOUT_TORCH = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torchvision"):
            raise ModuleNotFoundError(f"No module named {name!r}")
sys.meta_path.insert(0, Absent())
import minitorch_ref as torch
before = set(sys.modules)
assert not any(m.split(".")[0] in ("scipy", "matplotlib", "PIL", "rich") for m in before), before
net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
step = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
net(torch.randn(5, 3)).pow(2).mean().backward()
step.step()
assert "torch" not in sys.modules
print("trained")
"""


def test_works_with_torch_absent():
    done = subprocess.run(
        [sys.executable, "-c", RUN_WITHOUT_TORCH], capture_output=True, text=True, cwd=ROOT,
        timeout=200,
    )
    assert done.stdout.strip() == "trained", done.stderr


UNCHANGED = """
import random, warnings, os
import numpy as np
state, filters, errors = np.random.get_state()[1].copy(), list(warnings.filters), np.geterr()
threads = {k: v for k, v in os.environ.items() if "THREADS" in k}
words = random.getstate()
import minitorch_ref
from minitorch_ref import nn, optim, utils
assert (np.random.get_state()[1] == state).all() and warnings.filters == filters
assert np.geterr() == errors and random.getstate() == words
assert threads == {k: v for k, v in os.environ.items() if "THREADS" in k}
print("unchanged")
"""


def test_import_changes_nothing_global():
    done = subprocess.run([sys.executable, "-c", UNCHANGED], capture_output=True, text=True, cwd=ROOT, timeout=200)
    assert done.stdout.strip() == "unchanged", done.stderr


@pytest.mark.parametrize("package", ["minitorch_ref", "parity", "benchmarks"])
def test_files_stay_readable(package):
    """A file is at most 450 lines, and opens with what it holds."""
    for path in sorted((ROOT / package).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 450, f"{path.relative_to(ROOT)} has {text.count(chr(10))} lines"
        if text.strip():
            opening = ast.get_docstring(ast.parse(text))
            assert opening, f"{path.relative_to(ROOT)} does not say what it holds"


def test_every_file_of_ops_is_published():
    import minitorch_ref
    import minitorch_ref.fft  # noqa: F401 - imported when first used
    from minitorch_ref.ops.registry import REGISTRY

    for path in sorted((PACKAGE / "ops").glob("*.py")):
        if "@op" in path.read_text(encoding="utf-8") and path.stem != "registry":
            assert f"minitorch_ref.ops.{path.stem}" in sys.modules, f"{path.name} is not imported"
    assert REGISTRY["torch", "add"].call is minitorch_ref.add


def test_no_assertion_compares_bytes():
    """Under CI, pytest explains a failed one by the difference of some million lines: bits.py."""
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assert):
                assert not compares_bytes(node.test), f"{path.relative_to(ROOT)}:{node.lineno}"


def compares_bytes(test: ast.expr) -> bool:
    """Whether pytest would see both sides of a comparison of whole arrays' bytes."""
    if isinstance(test, ast.BoolOp):
        return any(compares_bytes(value) for value in test.values)
    return isinstance(test, ast.Compare) and ast.unparse(test.left).endswith(".tobytes()")


@pytest.mark.parametrize("text, found", [
    ("a.tobytes() == b.tobytes()", True), ("a.dtype == b.dtype and a.tobytes() == b.tobytes()", True),
    ("same_bits(a, b)", False), ("all(a.tobytes() == b.tobytes() for a, b in pairs)", False),
])  # fmt: skip
def test_comparisons_of_bytes_are_found(text, found):
    assert compares_bytes(ast.parse(text, mode="eval").body) is found


def test_test_files_have_names_of_their_own():
    """pytest imports them all side by side."""
    names = [path.name for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py"]
    assert sorted(names) == sorted(set(names))
