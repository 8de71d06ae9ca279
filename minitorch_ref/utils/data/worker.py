"""What runs in a DataLoader's worker process, and how its results and errors travel.

A worker reads tasks from a queue of its own and writes batches to a pipe of its own.  Nothing is
shared between workers, so one that is killed cannot leave a lock behind that others wait for; the
loader sees the end of its pipe.  A thread writes to the pipe, so that the worker goes on with the
next task while a batch waits to be collected.
"""

from __future__ import annotations

import os
import pickle
import queue
import random
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np

from ...random import manual_seed
from .fetch import make_fetcher
from .worker_info import WorkerInfo, set_worker_info

CHECK_INTERVAL = 5.0  # seconds between looks at whether the loader's process still lives


@dataclass(frozen=True)
class Job:
    """What all workers of a loader have in common."""

    dataset: Any
    iterable: bool
    auto_collation: bool
    collate_fn: Callable[..., Any]
    drop_last: bool
    base_seed: int
    num_workers: int
    init_fn: Callable[[int], Any] | None

    def fetcher(self) -> Any:
        return make_fetcher(
            self.dataset, self.iterable, self.auto_collation, self.collate_fn, self.drop_last
        )


@dataclass(frozen=True)
class Task:
    """Fetch what `index` names; `epoch` tells a persistent worker when to start over."""

    epoch: int
    number: int
    index: Any


class Exhausted:
    """The answer of a worker whose IterableDataset has no more samples."""


class _Message(str):
    """A text that is its own repr: KeyError shows the repr of its argument."""

    def __repr__(self) -> str:
        return str(self)


class CaughtError:
    """An exception on its way to the process that waits for the batch."""

    def __init__(self, where: str) -> None:
        kind, value, trace = sys.exc_info()
        self.exc_type: Any = kind
        self.name = kind.__name__ if kind else "nothing"
        self.exc_msg = "".join(traceback.format_exception(kind, value, trace))
        self.where = where

    def reraise(self) -> None:
        """Raise the original type, with both the place and the worker's traceback in the text."""
        text = f"Caught {self.name} {self.where}.\nOriginal {self.exc_msg}"
        if self.exc_type is KeyError:
            raise KeyError(_Message(text))
        try:
            if getattr(self.exc_type, "message", None):
                error = self.exc_type(message=text)
            else:
                error = self.exc_type(text)
        except Exception:  # an exception class may take any arguments, or refuse them in any way
            raise RuntimeError(text) from None
        raise error


def work(job: Job, worker_id: int, tasks: Any, results: Any, reader: Any, stop: Any) -> None:
    """The worker process: fetch what the tasks ask for until told to stop, or orphaned."""
    reader.close()  # the loader's end, inherited: the loader must be the only one to hold it
    parent = os.getppid()
    outbox = _Outbox(results)
    try:
        seed = _seed_everything(job.base_seed, worker_id)
        set_worker_info(WorkerInfo(worker_id, job.num_workers, seed, job.dataset))
        _serve(job, worker_id, tasks, outbox, stop, parent)
    except KeyboardInterrupt:
        pass  # the loader's process got it too, and reports it
    finally:
        outbox.close(wait=not stop.value and os.getppid() == parent)


def _serve(job: Job, worker_id: int, tasks: Any, outbox: _Outbox, stop: Any, parent: int) -> None:
    where = f"in DataLoader worker process {worker_id}"
    epoch, fetcher, failure, exhausted = None, None, None, False
    try:
        if job.init_fn is not None:
            job.init_fn(worker_id)
    except Exception:  # whatever it is, the loader raises it again
        failure = CaughtError(where)
    while True:
        try:
            task = tasks.get(timeout=CHECK_INTERVAL)
        except queue.Empty:
            if os.getppid() != parent:
                return
            continue
        if task is None or stop.value:
            return
        if failure is None and task.epoch != epoch:
            epoch, exhausted = task.epoch, False
            try:
                fetcher = job.fetcher()
            except Exception:
                failure = CaughtError(where)
        if exhausted:
            continue
        answer: Any = failure
        if failure is None:
            try:
                answer = fetcher.fetch(task.index)  # type: ignore[union-attr]
            except Exception as error:
                exhausted = job.iterable and isinstance(error, StopIteration)
                answer = Exhausted() if exhausted else CaughtError(where)
        failure = None
        outbox.put((task.epoch, task.number, answer), where)
        del answer, task  # a batch is memory: do not hold it while waiting


def _seed_everything(base_seed: int, worker_id: int) -> int:
    """Give each worker streams of its own: torch's, Python's, and NumPy's."""
    seed = base_seed + worker_id
    random.seed(seed)
    manual_seed(seed)
    entropy = [worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
    np.random.seed(np.random.SeedSequence(entropy).generate_state(4))
    return seed


class _Outbox:
    """Sends results in order from a thread."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._send_all, daemon=True)
        self._thread.start()

    def put(self, message: tuple[int, int, Any], where: str) -> None:
        try:
            payload = ForkingPickler.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
        except Exception:  # pickling runs the user's code
            answer = message[2]
            failure = answer if isinstance(answer, CaughtError) else CaughtError(where)
            try:
                payload = ForkingPickler.dumps((*message[:2], failure))
            except Exception:  # the exception's type cannot travel either
                failure.exc_type = RuntimeError
                payload = ForkingPickler.dumps((*message[:2], failure))
        self._queue.put(payload)

    def _send_all(self) -> None:
        while (payload := self._queue.get()) is not None:
            try:
                self._connection.send_bytes(payload)
            except OSError:  # nobody reads any more
                return

    def close(self, wait: bool) -> None:
        self._queue.put(None)
        if wait:
            self._thread.join()
