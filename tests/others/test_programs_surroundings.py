"""What programs import around their arithmetic: accelerators, processes, scripts, what is not there."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.utils.data.distributed

import minitorch_ref as mt
import minitorch_ref.multiprocessing
import minitorch_ref.utils.data

HOME = str(Path(mt.__file__).parents[1])


def outcome(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = call()
        except Exception as error:
            result = type(error).__name__, str(error)
    return result, [str(w.message) for w in caught]


# ---- accelerator, distributed, onnx -----------------------------------------------------------------

ON_CPU = pytest.mark.skipif(torch.accelerator.is_available(), reason="torch sees an accelerator")


@ON_CPU
@pytest.mark.parametrize("name", sorted(set(torch.accelerator.__all__) - {"Graph", "device_index"}))
def test_no_accelerator(name):
    arguments = (0,) if name.startswith("set_device") else ()
    if name == "set_stream":
        with pytest.raises(RuntimeError, match="none is available"):
            mt.accelerator.set_stream(None)
        return
    ours, theirs = (outcome(lambda: getattr(t.accelerator, name)(*arguments)) for t in (mt, torch))
    assert ours == theirs


@ON_CPU
@pytest.mark.parametrize("index", [None, 0])
def test_device_index(index):
    def enter(t):
        with t.accelerator.device_index(index):
            return "entered"

    assert outcome(lambda: enter(mt)) == outcome(lambda: enter(torch))


def test_distributed_says_that_it_is_not_there():
    """As in a torch that was built without it: the question, the answer, and nothing to call."""
    import minitorch_ref.distributed as dist

    assert dist.is_available() is False
    assert not hasattr(dist, "init_process_group") and not hasattr(dist, "is_initialized")
    world = dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1
    assert world == 1
    assert mt.onnx.is_in_onnx_export() is torch.onnx.is_in_onnx_export() is False


@pytest.mark.parametrize(
    "flag", ["xpu", "xla", "ipu", "maia", "mtia", "vulkan", "nested", "sparse_csr"]
)
def test_a_tensor_is_on_no_other_device(flag):
    assert getattr(mt.ones(1), f"is_{flag}") is getattr(torch.ones(1), f"is_{flag}") is False


@pytest.mark.parametrize("count", [0, 1, 7, 12])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("drop_last", [True, False])
def test_distributed_sampler(count, shuffle, drop_last):
    for replicas in (1, 2, 5):
        for rank in range(replicas):
            shares = []
            for t in (mt, torch):
                make = t.utils.data.distributed.DistributedSampler
                sampler = make(range(count), replicas, rank, shuffle, seed=3, drop_last=drop_last)
                sampler.set_epoch(2)
                shares.append(outcome(lambda s=sampler: (list(s), len(s))))
            assert shares[0] == shares[1]


def test_distributed_sampler_refuses():
    for t in (mt, torch):
        with pytest.raises(
            ValueError, match=r"Invalid rank 2, rank should be in the interval \[0, 1\]"
        ):
            t.utils.data.distributed.DistributedSampler([1], 2, 2)
    with pytest.raises(RuntimeError, match="Requires distributed package to be available"):
        mt.utils.data.distributed.DistributedSampler([1])


# ---- jit --------------------------------------------------------------------------------------------


def program(t):
    @t.jit.script
    def gate(x, y):
        return t.sigmoid(x) * t.tanh(y)

    class Net(t.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = t.nn.Linear(3, 3)

        def forward(self, x):
            return gate(self.layer(x), x)

        @t.jit.ignore
        def left_to_python(self):
            return 1

        @t.jit.ignore(drop=True)
        def left_out(self):
            return 1

        @t.jit.unused
        def not_used(self):
            return 2

        @t.jit.export
        def also(self, x):
            return x

    t.manual_seed(0)
    net, x = Net(), t.linspace(-1, 1, 6).view(2, 3)
    traced = t.jit.trace(net, x)
    sum_of = t.jit.trace(lambda a, b: a + b, (x, x))
    found = [net(x), traced(x), traced(x * 2), sum_of(x, x * 3)]
    assert not t.jit.is_scripting() and not t.jit.is_tracing()
    assert t.jit.annotate(int, 3) == 3
    return [y.detach().numpy() for y in found], list(traced.state_dict())


def test_scripts_and_traces_compute_what_they_say():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        (ours, keys), (theirs, their_keys) = program(mt), program(torch)
    assert keys == their_keys
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


@pytest.mark.parametrize("obj", [3, "x", None])
def test_what_is_no_program(obj):
    for t in (mt, torch):
        with (
            pytest.raises((TypeError, RuntimeError)),
            pytest.warns(DeprecationWarning, match="jit.script"),
        ):
            t.jit.script(obj)


def test_a_class_of_modules_is_no_program():
    said = []
    for t in (mt, torch):
        with (
            pytest.raises(RuntimeError, match="inherits from nn.Module, pass an instance"),
            pytest.warns(DeprecationWarning),
        ):
            t.jit.script(t.nn.Linear)
        said.append(True)
    assert said == [True, True]


# ---- processes --------------------------------------------------------------------------------------


def test_moving_to_shared_memory_changes_nothing_else():
    layer = mt.nn.Linear(3, 2)
    before = {name: value.numpy().copy() for name, value in layer.state_dict().items()}
    optimizer = mt.optim.SGD(layer.parameters(), lr=0.5, momentum=0.9)
    layer(mt.ones(1, 3)).sum().backward()
    optimizer.step()
    assert layer.share_memory() is layer
    after = {name: value.numpy().copy() for name, value in layer.state_dict().items()}
    for p in layer.parameters():
        assert p.is_shared() and p.untyped_storage().is_shared() and p.is_leaf and p.requires_grad
    assert any((before[name] != after[name]).any() for name in before)
    layer.zero_grad()
    layer(mt.ones(1, 3)).sum().backward()
    optimizer.step()  # the optimizer follows the parameters into their new memory
    moved = {name: value.numpy() for name, value in layer.state_dict().items()}
    for name in before:  # constant gradient g: the second step is (1 + momentum) times the first
        np.testing.assert_allclose(
            moved[name] - after[name], 1.9 * (after[name] - before[name]), rtol=1e-5
        )


@pytest.mark.parametrize("make", [
    lambda t: t.zeros(0), lambda t: t.tensor(3), lambda t: t.arange(6).view(2, 3).t().contiguous(),
    lambda t: t.ones(2, 3, dtype=t.complex64), lambda t: t.tensor([True]),
])  # fmt: skip
def test_shared_tensors(make):
    for t in (mt, torch):
        x = make(t)
        assert not x.is_shared()
        y = x.share_memory_()
        assert y is x and x.is_shared() and x.share_memory_() is x
        assert x.tolist() == make(t).tolist() and x.stride() == make(t).stride()


def test_a_view_alone_cannot_be_moved():
    base = mt.arange(6.0)
    with pytest.raises(RuntimeError, match="the tensor it views"):
        base[2:].share_memory_()
    part = base.share_memory_()[2:]
    assert part.is_shared()
    part.zero_()
    assert base.tolist() == [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]


def test_sharing_strategies():
    for t in (mt, torch):
        assert (
            t.multiprocessing.get_sharing_strategy()
            in t.multiprocessing.get_all_sharing_strategies()
        )
        t.multiprocessing.set_sharing_strategy(t.multiprocessing.get_sharing_strategy())
        with pytest.raises(AssertionError, match="invalid sharing strategy 'telepathy'"):
            t.multiprocessing.set_sharing_strategy("telepathy")


def on_us(tmp_path, source, *words):
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(source))
    done = subprocess.run(
        [sys.executable, "-m", "minitorch_ref", str(path), *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": HOME},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# A script that spawns: its processes must find this engine under torch's name as well.
HOGWILD = """
import sys, torch, torch.multiprocessing as mp
from torch import nn

def train(rank, net, seen):
    torch.set_num_threads(1)
    assert torch.__name__ == "minitorch_ref"
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    net(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    seen[rank] = rank + 1

if __name__ == "__main__":
    torch.manual_seed(0)
    net = nn.Linear(2, 1).share_memory()
    start, seen = net.bias.item(), torch.zeros(2).share_memory_()
    for method in sys.argv[1:]:
        mp.start_processes(train, (net, seen), nprocs=1, start_method=method)
    queue = mp.get_context("spawn").Queue()
    process = mp.get_context("spawn").Process(target=train, args=(1, net, seen))
    process.start(); process.join()
    print(round(start - net.bias.item(), 4), seen.tolist(), process.exitcode)
"""


def test_processes_train_one_network(tmp_path):
    said = on_us(tmp_path, HOGWILD, "spawn", "fork", "forkserver")
    assert said == "0.4 [1.0, 2.0] 0\n"  # four steps with gradient 1 and learning rate 0.1


FAILING = """
import os, torch.multiprocessing as mp

def fail(rank, how):
    if rank == 1 and how == "raise":
        raise ValueError("boom")
    if rank == 1:
        os._exit(7) if how == "exit" else os.kill(os.getpid(), 9)

if __name__ == "__main__":
    for how in ("raise", "exit", "signal"):
        try:
            mp.spawn(fail, (how,), nprocs=2)
        except mp.ProcessRaisedException as error:
            print("raised", error.error_index, str(error).strip().splitlines()[-1])
        except mp.ProcessExitedException as error:
            print(error, error.exit_code, error.signal_name)
    context = mp.spawn(fail, ("fine",), nprocs=1, join=False)
    print(len(context.pids()), context.join(60), context.join())
"""


def test_processes_that_fail(tmp_path):
    assert on_us(tmp_path, FAILING).splitlines() == [
        "raised 1 ValueError: boom",
        "process 1 terminated with exit code 7 7 None",
        "process 1 terminated with signal SIGKILL -9 SIGKILL",
        "1 True True",
    ]


# What leaves a queue is the memory that was put into it, if it was shared.
QUEUE = """
import torch, torch.multiprocessing as mp

def change(inbox, outbox):
    shared, copied = inbox.get()
    shared.add_(1); copied.add_(1)
    outbox.put("done")

if __name__ == "__main__":
    context = mp.get_context("spawn")
    inbox, outbox = context.Queue(), context.Queue()
    process = context.Process(target=change, args=(inbox, outbox))
    process.start()
    shared, copied = torch.zeros(4).share_memory_(), torch.zeros(2)
    inbox.put((shared[1:3], copied))
    outbox.get(); process.join()
    print(shared.tolist(), copied.tolist())
"""


def test_queues(tmp_path):
    assert on_us(tmp_path, QUEUE) == "[0.0, 1.0, 1.0, 0.0] [0.0, 0.0]\n"


# Two tensors over one memory bring the same descriptor, which the child must close once.
VIEWS = """
import gc, os, torch, torch.multiprocessing as mp

def look(a, b, aim):
    del a
    gc.collect()
    b.add_(1)
    del b
    gc.collect()
    aim.add_(os.fstat(aim._root.base.obj.descriptor).st_size)

if __name__ == "__main__":
    x, aim = torch.zeros(4).share_memory_(), torch.zeros(1).share_memory_()
    for how in ("spawn", "forkserver"):
        process = mp.get_context(how).Process(target=look, args=(x[:2], x[1:3], aim))
        process.start(); process.join(60)
        print(process.exitcode, x.tolist(), aim.item())
"""


def test_views_of_one_memory_travel_together(tmp_path):
    assert on_us(tmp_path, VIEWS).splitlines() == [
        "0 [0.0, 1.0, 1.0, 0.0] 4.0",
        "0 [0.0, 2.0, 2.0, 0.0] 8.0",
    ]


# ---- layers where torch has them --------------------------------------------------------------------


def test_layers_are_found_in_torchs_files():
    missing = []
    for name, kind in vars(torch.nn).items():
        if isinstance(kind, type) and kind.__module__.startswith("torch.nn.modules."):
            file = kind.__module__.removeprefix("torch.nn.modules.")
            if not hasattr(mt.nn, name) or name.startswith(("Lazy", "ChannelShuffle")):
                continue
            if getattr(getattr(mt.nn.modules, file, None), name, None) is not getattr(mt.nn, name):
                missing.append(f"{file}.{name}")
    assert missing == []
