"""DataLoader's worker processes end when the pass, the program or its parent does."""

import gc
import os
import subprocess
import sys
import threading
import time
import warnings

import pytest
import torch
import torch.utils.data

import minitorch_ref as mt
from minitorch_ref.utils.data import DataLoader

pytestmark = pytest.mark.usefixtures("alarm")


def test_an_abandoned_pass_ends_its_workers():
    iterator = iter(DataLoader(range(100), num_workers=2))
    next(iterator)
    processes = iterator._workers._processes
    assert all(p.is_alive() for p in processes)
    del iterator
    gc.collect()
    assert not any(p.is_alive() for p in processes)


def test_a_pass_that_another_thread_collects_ends_too():
    """The collector may run in a thread that feeds a queue and holds its lock."""
    iterator = iter(DataLoader(range(100), num_workers=1))
    next(iterator)
    workers, place = iterator._workers, [iterator]
    del iterator
    held = threading.Thread(target=collected_while_held, args=(workers._tasks[0], place))
    held.start()
    held.join(20)
    assert not held.is_alive()
    for process in workers._processes:
        process.join(20)
        assert not process.is_alive()


def collected_while_held(tasks, place):
    with tasks._notempty:
        place.clear()
        gc.collect()


def test_the_program_ends_with_workers_alive(tmp_path):
    script = tmp_path / "ends.py"
    script.write_text(
        "from minitorch_ref.utils.data import DataLoader\n"
        "loading = DataLoader(range(1000), num_workers=2, persistent_workers=True)\n"
        "iterator = iter(loading)\n"
        "print(next(iterator).item())\n"
    )
    root = os.path.dirname(os.path.dirname(mt.__file__))
    ran = subprocess.run(
        [sys.executable, "-W", "ignore:This DataLoader will create", str(script)], capture_output=True, text=True, timeout=30,
        env={**os.environ, "PYTHONPATH": root},
    )  # fmt: skip
    assert (ran.returncode, ran.stdout.strip(), ran.stderr) == (0, "0", "")


def test_workers_of_a_killed_program_end(tmp_path):
    script = tmp_path / "killed.py"
    script.write_text(
        "import os, signal\n"
        "from minitorch_ref.utils.data import DataLoader\n"
        "iterator = iter(DataLoader(range(1000), num_workers=2))\n"
        "next(iterator)\n"
        "print(*[p.pid for p in iterator._workers._processes], flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = os.path.dirname(os.path.dirname(mt.__file__))
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": root},
    ) as program:  # fmt: skip
        pids = [int(pid) for pid in program.stdout.readline().split()]
    deadline = time.monotonic() + 20
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < deadline, "orphans"
        time.sleep(0.1)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_too_many_workers_are_warned_of():
    said = []
    for side in (torch, mt):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            side.utils.data.DataLoader(range(3), num_workers=999)
        said.append([str(w.message) for w in caught])
    assert said[0] == said[1]
    assert len(said[1]) == 1
