"""DataLoader with worker processes: the same batches, seeds and errors; death, timeout.

Waiting is bounded everywhere: a loader that hung would fail its test by the alarm.
"""

import gc
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
import torch.utils.data

import minitorch_ref as mt
import minitorch_ref.utils.data

SIDES = (torch, mt)
pytestmark = [
    pytest.mark.usefixtures("alarm"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),
]


def loader(side, dataset, *args, **options):
    return side.utils.data.DataLoader(dataset, *args, **{"num_workers": 2, **options})


def lists(batch):
    if isinstance(batch, (torch.Tensor, mt.Tensor)):
        return str(batch.dtype), batch.tolist()
    return [lists(b) for b in batch] if isinstance(batch, (list, tuple)) else batch


class Random:
    """Samples made of every random stream a worker has."""

    def __init__(self, side):
        self.side = side

    def __len__(self):
        return 9

    def __getitem__(self, i):
        import random

        return i, self.side.rand(2), random.random(), np.random.rand()


class Told:
    """Samples that tell which worker made them."""

    def __init__(self, side):
        self.side = side

    def __len__(self):
        return 8

    def __getitem__(self, i):
        info = self.side.utils.data.get_worker_info()
        return i, info.id, info.num_workers, info.seed, info.dataset is not None


@pytest.mark.parametrize("own", [False, True], ids=["default", "own"])
@pytest.mark.parametrize("shuffle", [False, True], ids=["in order", "shuffled"])
def test_same_batches_and_random_numbers(shuffle, own):
    found = []
    for side in SIDES:
        side.manual_seed(5)
        generator = side.Generator().manual_seed(6) if own else None
        loading = loader(side, Random(side), 2, shuffle, generator=generator)
        passes = [[lists(b) for b in loading] for _ in range(2)]
        found.append((passes, side.rand(1).item()))
    assert found[0] == found[1]


def test_workers_know_who_they_are():
    found = []
    for side in SIDES:
        side.manual_seed(1)
        found.append([lists(b) for b in loader(side, Told(side), 3)])
        assert side.utils.data.get_worker_info() is None
    assert found[0] == found[1]


def test_init_function_runs_in_each_worker():
    def init(worker_id):
        mt.manual_seed(100 + worker_id)

    batches = list(loader(mt, Random(mt), None, worker_init_fn=init))
    for worker_id in (0, 1):
        mt.manual_seed(100 + worker_id)
        assert batches[worker_id][1].tolist() == mt.rand(2).tolist()


class Shared(mt.utils.data.IterableDataset):
    """A stream of 7 numbers that the workers divide among them."""

    def __iter__(self):
        info = mt.utils.data.get_worker_info()
        first, step = (0, 1) if info is None else (info.id, info.num_workers)
        return iter(range(first, 7, step))


@pytest.mark.parametrize("options", [{}, {"drop_last": True}, {"prefetch_factor": 1}], ids=str)
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_streams(workers, options):
    class Theirs(torch.utils.data.IterableDataset):
        def __iter__(self):
            info = torch.utils.data.get_worker_info()
            return iter(range(info.id, 7, info.num_workers))

    theirs = [lists(b) for b in loader(torch, Theirs(), 2, num_workers=workers, **options)]
    ours = [lists(b) for b in loader(mt, Shared(), 2, num_workers=workers, **options)]
    assert ours == theirs


def test_persistent_workers_stay():
    class Pid:
        def __len__(self):
            return 4

        def __getitem__(self, i):
            return os.getpid()

    loading = loader(mt, Pid(), persistent_workers=True)
    first, second = ([b.item() for b in loading] for _ in range(2))
    assert first == second
    assert len(set(first)) == 2
    passing = loader(mt, Pid())
    third, fourth = ([b.item() for b in passing] for _ in range(2))
    assert not set(third) & set(fourth)
    del loading
    gc.collect()


def test_persistent_workers_give_torchs_batches():
    found = []
    for side in SIDES:
        side.manual_seed(2)
        loading = loader(side, Random(side), 2, True, persistent_workers=True)
        passes = [[lists(b) for b in loading] for _ in range(2)]
        iterator = iter(loading)
        passes.append([lists(next(iterator))])  # a pass broken off
        found.append((passes, side.rand(1).item()))
        del iterator, loading
        gc.collect()
    assert found[0] == found[1]


def test_a_broken_off_pass_of_persistent_workers_is_forgotten():
    loading = loader(mt, range(40), 2, persistent_workers=True)
    for _ in range(3):
        iterator = iter(loading)
        assert next(iterator).tolist() == [0, 1]
    assert [b[0].item() for b in loading] == list(range(0, 40, 2))
    streaming = loader(mt, Shared(), persistent_workers=True)
    assert [b.item() for b in streaming] == [b.item() for b in streaming]
    del loading, streaming, iterator
    gc.collect()


class Slow:
    """The first sample takes longest."""

    def __len__(self):
        return 4

    def __getitem__(self, i):
        time.sleep(0.5 if i == 0 else 0.0)
        return i


def test_order_is_kept_unless_it_need_not_be():
    assert [b.item() for b in loader(mt, Slow())] == [0, 1, 2, 3]
    hurried = [b.item() for b in loader(mt, Slow(), in_order=False)]
    assert sorted(hurried) == [0, 1, 2, 3]
    assert hurried[0] != 0


def test_prefetching_overlaps_with_work():
    class Steady(Slow):
        def __getitem__(self, i):
            time.sleep(0.1)
            return i, time.perf_counter()

    iterator = iter(loader(mt, Steady(), num_workers=1, prefetch_factor=4))
    next(iterator)
    time.sleep(1.5)
    asked = time.perf_counter()
    assert all(made.item() < asked for _, made in iterator)


def test_large_batches_do_not_block():
    """More than a pipe holds, in both directions, with nobody reading for a while."""
    x = mt.arange(400_000.0)
    loading = loader(mt, mt.utils.data.TensorDataset(x), batch_size=100_000, prefetch_factor=4)
    iterator = iter(loading)
    time.sleep(0.3)
    batches = [b[0] for b in iterator]
    assert mt.equal(mt.cat(batches), x)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_other_ways_to_start(method, tmp_path):
    script = tmp_path / "spawned.py"
    script.write_text(
        "import minitorch_ref as torch\n"
        "from minitorch_ref.utils.data import DataLoader, TensorDataset\n"
        "if __name__ == '__main__':\n"
        "    data = TensorDataset(torch.arange(6.0))\n"
        f"    loading = DataLoader(data, 2, num_workers=1, multiprocessing_context={method!r})\n"
        "    print([b[0].tolist() for b in loading])\n"
    )
    root = os.path.dirname(os.path.dirname(mt.__file__))
    ran = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=50,
        env={**os.environ, "PYTHONPATH": root},
    )  # fmt: skip
    assert ran.stdout.strip() == "[[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]", ran.stderr


# ---- errors ---------------------------------------------------------------------------------------------


class Two(Exception):
    def __init__(self, a, b):
        super().__init__(a, b)


class Broken:
    def __init__(self, error):
        self.error = error

    def __len__(self):
        return 6

    def __getitem__(self, i):
        if i == 3:
            raise self.error
        return i


@pytest.mark.parametrize(
    "error",
    [ValueError("bad sample"), KeyError("missing"), Two(1, 2), ZeroDivisionError(),
     IndexError("early"), OSError(2, "no such file")],
    ids=lambda e: type(e).__name__,
)  # fmt: skip
def test_errors_come_back_in_their_own_type(error):
    found = []
    for side in SIDES:
        seen = []
        with pytest.raises(Exception) as caught:
            for batch in loader(side, Broken(error)):
                seen.append(batch.item())
        found.append((type(caught.value), str(caught.value).split("\n")[:2], seen))
        assert "in __getitem__" in str(caught.value)
    assert found[0] == found[1]
    assert found[1][2] == [0, 1, 2]


def test_the_text_names_the_worker():
    with pytest.raises(ValueError, match=r"Caught ValueError in DataLoader worker process 1\.\n"):
        list(loader(mt, Broken(ValueError("bad sample"))))


def test_a_pass_can_go_on_after_an_error():
    iterator = iter(loader(mt, Broken(ValueError("bad sample"))))
    assert [next(iterator).item() for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="bad sample"):
        next(iterator)
    assert [b.item() for b in iterator] == [4, 5]


def test_errors_before_the_first_sample():
    def init(worker_id):
        raise PermissionError("no entry")

    with pytest.raises(
        PermissionError, match="Caught PermissionError in DataLoader worker process"
    ):
        list(loader(mt, range(4), worker_init_fn=init))

    class NoStart(mt.utils.data.IterableDataset):
        def __iter__(self):
            raise FileNotFoundError("gone")

    with pytest.raises(FileNotFoundError, match="Caught FileNotFoundError in DataLoader worker"):
        list(loader(mt, NoStart()))


def test_what_cannot_travel_is_reported():
    class Local(Exception):  # a class that the other side cannot import
        pass

    with pytest.raises(RuntimeError, match="Caught Local in DataLoader worker process 1"):
        list(loader(mt, Broken(Local("bad"))))
    with pytest.raises(Exception, match=r"Caught \w+ in DataLoader worker process 0"):
        list(loader(mt, range(4), collate_fn=lambda batch: lambda: batch))


class Deadly:
    def __init__(self, how):
        self.how = how

    def __len__(self):
        return 50

    def __getitem__(self, i):
        if i == 5:
            time.sleep(0.2)
            self.how()
        return mt.zeros(1000)


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("how", "cause"),
    [(kill, "is killed by signal: Killed"), (lambda: os._exit(7), "with exit code 7"),
     (lambda: sys.exit(3), "with exit code 3")],
    ids=["killed", "left", "exited"],
)  # fmt: skip
def test_a_dead_worker_is_an_error_and_no_hang(how, cause):
    started = time.monotonic()
    with pytest.raises(RuntimeError) as caught:
        list(loader(mt, Deadly(how)))
    assert time.monotonic() - started < 20
    assert str(caught.value).startswith("DataLoader worker (pid(s) ")
    assert str(caught.value).endswith(") exited unexpectedly")
    assert cause in str(caught.value.__cause__)


def test_killed_from_outside_while_all_wait():
    class Asleep(Slow):
        def __getitem__(self, i):
            time.sleep(30)

    iterator = iter(loader(mt, Asleep()))
    victim = iterator._workers._processes[1]
    os.kill(victim.pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match=rf"pid\(s\) {victim.pid}\) exited unexpectedly"):
        next(iterator)


def test_killed_in_the_middle_of_a_batch(tmp_path):
    """A message that breaks off must not be waited for."""

    class Large(Slow):
        def __getitem__(self, i):
            return mt.zeros(10_000_000)

    iterator = iter(loader(mt, Large(), num_workers=1))
    time.sleep(1.0)  # the pipe is full, most of the batch still to come
    os.kill(iterator._workers._processes[0].pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="exited unexpectedly"):
        list(iterator)


def test_timeout():
    class Asleep(Slow):
        def __getitem__(self, i):
            time.sleep(30)

    with pytest.raises(RuntimeError, match="DataLoader timed out after 0.5 seconds"):
        list(loader(mt, Asleep(), timeout=0.5))
