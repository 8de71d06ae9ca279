"""`python -m minitorch_ref`: scripts for torch run on this engine, as python itself would run them."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy
import pytest

import minitorch_ref

HOME = str(Path(minitorch_ref.__file__).parents[1])  # installed or not, the one under test


def python(*words, cwd):
    return subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": HOME},
        capture_output=True,
        text=True,
        timeout=120,
    )


def on_us(*words, cwd):
    return python("-m", "minitorch_ref", *words, cwd=cwd)


@pytest.fixture
def script(tmp_path):
    def write(source, name="script.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))
        return path

    return write


IMPORTS = """
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
import torch.optim.lr_scheduler
import torch.utils.data
import torch.autograd
import torch.fft
import torch.cuda
import torchvision
import torchvision.transforms as transforms
import torchvision.transforms.functional
import torchvision.datasets
from torch.utils.data import DataLoader, TensorDataset
from torch import nn as nn2
from torchvision import datasets, transforms as T
"""


def test_every_name_resolves_to_this_engine(script, tmp_path):
    path = script(
        IMPORTS
        + """
import sys
import minitorch_ref, minitorch_ref.nn
assert torch is minitorch_ref and nn is minitorch_ref.nn is torch.nn is nn2
assert F is torch.nn.functional and transforms is T is torchvision.transforms
assert DataLoader is torch.utils.data.DataLoader
for name, module in sorted(sys.modules.items()):
    if name.partition(".")[0] in ("torch", "torchvision"):
        assert module.__name__.startswith("minitorch_ref"), (name, module)
        assert module.__spec__.name == module.__name__, (name, module.__spec__)
print(nn.Linear(2, 1)(torch.ones(1, 2)).shape, isinstance(torch.ones(1), torch.Tensor))
"""
    )
    done = on_us(path, cwd=tmp_path)
    assert done.stderr == ""
    assert done.stdout == "torch.Size([1, 1]) True\n"


@pytest.mark.parametrize("hide", [True, False])
def test_the_real_torch_is_not_needed_and_not_used(script, tmp_path, hide):
    """With torch's packages made unimportable, and with a false torch first on the path."""
    fake = script("raise SystemExit('the real torch was imported')", "torch/__init__.py")
    assert fake.exists()
    path = script(IMPORTS + "print(torch.__name__)")
    words = ["-S"] if hide else []  # -S: no site-packages, so only what is put on the path
    bare = tmp_path / "only-numpy"
    bare.mkdir()
    packages = Path(numpy.__file__).parents[1]
    for name in ("numpy", "numpy.libs"):
        if (packages / name).exists():
            (bare / name).symlink_to(packages / name)
    code = f"""
import runpy, sys
sys.path[1:1] = [{HOME!r}, {str(bare)!r}]
sys.argv = ["x", {str(path)!r}]
runpy.run_module("minitorch_ref", run_name="__main__", alter_sys=True)
"""
    done = python(*words, "-c", code, cwd=tmp_path)
    assert done.stdout == "minitorch_ref\n", done.stderr


# What a script can see of how it was started.
SELF = """
import sys, __main__
print(__name__, __file__ if "__file__" in globals() else "no file")
print(sys.argv[0].rsplit("/", 1)[-1], sys.argv[1:])
print(__main__.__dict__ is globals(), __main__ is sys.modules["__main__"])
print(sys.path[0].rsplit("/", 1)[-1])
print(__spec__ if __spec__ is None else __spec__.name, __package__ or None)
class Here: pass
import pickle
print(type(pickle.loads(pickle.dumps(Here()))) is Here)
"""


def test_a_script_sees_what_python_shows_it(script, tmp_path):
    path = os.path.relpath(script(SELF, "deep/er/self.py"), tmp_path)
    words = (path, "a", "-m", "--flag", "b c")
    expected, found = python(*words, cwd=tmp_path), on_us(*words, cwd=tmp_path)
    assert found.stderr == expected.stderr == ""
    assert found.stdout == expected.stdout


def test_a_script_finds_its_neighbours(script, tmp_path):
    script("value = 41", "deep/neighbour.py")
    path = script(
        "import neighbour, torch; print(neighbour.value + torch.ones(1).item())", "deep/a.py"
    )
    assert on_us(path, cwd=tmp_path).stdout == "42.0\n"


def test_code_and_modules(script, tmp_path):
    words = ("-c", SELF, "a", "-b")
    assert on_us(*words, cwd=tmp_path).stdout == python(*words, cwd=tmp_path).stdout
    script(SELF, "package/thing.py")
    script("", "package/__init__.py")
    words = ("-m", "package.thing", "a", "-b")
    expected, found = python(*words, cwd=tmp_path), on_us(*words, cwd=tmp_path)
    assert found.stdout == expected.stdout != "", found.stderr


@pytest.mark.parametrize("ending", ["sys.exit(3)", "sys.exit('no')", "1 / 0", "raise SystemExit"])
def test_exit_status_and_traceback_are_pythons(script, tmp_path, ending):
    path = script(f"import sys\ndef f():\n    {ending}\nf()\n")
    expected, found = python(path, cwd=tmp_path), on_us(path, cwd=tmp_path)
    assert found.returncode == expected.returncode
    assert found.stderr == expected.stderr


def test_syntax_errors_are_pythons(script, tmp_path):
    path = script("import torch\nx = = 1\n")
    expected, found = python(path, cwd=tmp_path), on_us(path, cwd=tmp_path)
    assert (found.returncode, found.stderr) == (expected.returncode, expected.stderr)


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("import torch.fx", "torch.fx"),
        ("import torch.distributed.rpc", "torch.distributed.rpc"),
        ("from torch.distributed import all_reduce", "all_reduce"),
        ("from torch.nn.parallel import DistributedDataParallel", "DistributedDataParallel"),
        ("import torchvision.ops", "torchvision.ops"),
        ("from torchvision import ops", "ops"),
        ("from torch import compile_everything", "compile_everything"),
        ("import torch.os", "torch.os"),
    ],
)
def test_what_is_missing_is_named(tmp_path, statement, named):
    done = on_us("-c", statement, cwd=tmp_path)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(("ImportError", "ModuleNotFoundError"))
    assert f"'{named}'" in last
    guarded = f"try:\n    {statement}\nexcept ImportError:\n    print('guarded')"
    assert on_us("-c", guarded, cwd=tmp_path).stdout == "guarded\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "usage"),
        (("-m",), "needs an argument"),
        (("-x",), "unknown option"),
        (("no.py",), "no.py"),
    ],
)
def test_wrong_usage(tmp_path, words, said):
    done = on_us(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr


def test_help(tmp_path):
    done = on_us("--help", cwd=tmp_path)
    assert done.returncode == 0
    assert "script.py" in done.stdout


def test_refuses_when_torch_is_already_there(tmp_path):
    code = (
        "import sys, types; sys.modules['torch'] = types.ModuleType('torch')\n"
        "from minitorch_ref.__main__ import install\n"
        "try: install()\n"
        "except RuntimeError as error: print(error)"
    )
    assert "already imported" in python("-c", code, cwd=tmp_path).stdout


TRAINING = """
import sys
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.b(F.relu(self.a(x)))

def main():
    torch.manual_seed(0)
    x = torch.randn(64, 4)
    y = (x.sum(1) > 0).long() + (x[:, 0] > 1).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=8, shuffle=True, num_workers=WORKERS)
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for epoch in range(3):
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = nn.CrossEntropyLoss()(net(inputs), targets)
            loss.backward()
            optimizer.step()
        print(f"{loss.item():.4f}")
    print(net)

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_a_training_script_prints_what_torch_prints(script, tmp_path, workers):
    path = script(TRAINING.replace("WORKERS", str(workers)))
    expected, found = python(path, cwd=tmp_path), on_us(path, cwd=tmp_path)
    assert expected.returncode == 0, expected.stderr
    assert found.stdout == expected.stdout, found.stderr
    assert len(found.stdout.splitlines()) > 5


def test_a_dataset_of_the_script_in_worker_processes(script, tmp_path):
    path = script(
        """
        import torch
        from torch.utils.data import DataLoader, Dataset, get_worker_info

        class Squares(Dataset):
            def __len__(self):
                return 10

            def __getitem__(self, i):
                assert get_worker_info() is not None
                return torch.tensor(i * i)

        print([batch.tolist() for batch in DataLoader(Squares(), batch_size=4, num_workers=2)])
        """
    )
    done = on_us(path, cwd=tmp_path)
    assert done.stdout == "[[0, 1, 4, 9], [16, 25, 36, 49], [64, 81]]\n", done.stderr


def test_the_programs_run_from_the_command_line(tmp_path):
    done = python(
        "-m", "minitorch_ref.programs.sigmoid_gd", "--epochs", "2", "--no-plots", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "Train loss:" in done.stdout


def test_scripts_see_the_version_of_torch_that_is_followed(tmp_path):
    code = "import torch; print(torch.__version__, torch.version.__version__)"
    first, second = python("-m", "minitorch_ref", "-c", code, cwd=tmp_path).stdout.split()
    assert first == second == f"{minitorch_ref.version.follows_torch}+minitorch.{minitorch_ref.__version__}"
    pinned = (Path(HOME) / "constraints.txt").read_text()
    assert f"torch=={minitorch_ref.version.follows_torch}\n" in pinned
    code = "import torchvision; print(torchvision.__version__)"
    said = python("-m", "minitorch_ref", "-c", code, cwd=tmp_path).stdout.strip()
    follows = minitorch_ref.version.follows_torchvision
    assert said == f"{follows}+minitorch.{minitorch_ref.__version__}"
    assert f"torchvision=={follows}\n" in pinned
