"""One pass over a DataLoader with worker processes that fetch ahead.

Tasks are numbered as they are given out, and handed to the workers in turn, so many ahead of the
batch that is wanted next; batches are returned in the order of their numbers, whatever the order in
which they arrive.
"""

from __future__ import annotations

import itertools
import multiprocessing
import threading
import weakref
from typing import TYPE_CHECKING, Any

from .iterators import LoaderIterator
from .worker import CaughtError, Exhausted, Job, Task
from .workers import Workers

if TYPE_CHECKING:
    from .dataloader import DataLoader


class MultiProcessIterator(LoaderIterator):
    """Has `prefetch_factor` tasks per worker under way at any time."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)
        if loader.prefetch_factor <= 0:  # type: ignore[operator]
            raise AssertionError(
                "prefetch_factor must be greater than 0 for MultiProcessingDataLoaderIter"
            )
        self._in_order = loader.in_order
        self._timeout = loader.timeout
        self._persistent = loader.persistent_workers
        self._max_tasks = loader.prefetch_factor * loader.num_workers  # type: ignore[operator]
        job = Job(
            loader.dataset, loader._iterable, loader._auto_collation, loader.collate_fn,
            loader.drop_last, self._base_seed, loader.num_workers, loader.worker_init_fn,
        )  # fmt: skip
        self._workers = Workers(job, loader.multiprocessing_context or multiprocessing)
        weakref.finalize(self, _end, self._workers)
        self._epoch = -1
        self.restart(loader)

    def restart(self, loader: DataLoader[Any]) -> None:
        """Begin a pass; tasks of an unfinished one are forgotten, their batches ignored."""
        self._begin(loader)
        self._sampler_iter = iter(self._index_sampler)
        self._epoch += 1
        self._sent = self._wanted = 0  # numbers of the next task and of the next batch to return
        self._owner: dict[int, int] = {}  # task -> its worker, until its batch is returned
        self._arrived: dict[int, Any] = {}
        self._active = [True] * self._num_workers
        self._load = [0] * self._num_workers  # tasks under way, per worker
        self._turn = itertools.cycle(range(self._num_workers))
        for _ in range(self._max_tasks):
            self._send_task()

    def _send_task(self) -> None:
        try:
            index = next(self._sampler_iter)
        except StopIteration:
            return
        for worker_id in itertools.islice(self._turn, self._num_workers):
            share = self._max_tasks // max(1, sum(self._active))
            if self._active[worker_id] and (self._in_order or self._load[worker_id] < share):
                break
        else:
            return
        self._workers.put(worker_id, Task(self._epoch, self._sent, index))
        self._owner[self._sent] = worker_id
        self._load[worker_id] += 1
        self._sent += 1

    def _next_data(self) -> Any:
        while True:
            self._skip_what_will_not_come()
            if not self._owner:
                if not self._persistent:
                    self._workers.shut_down()
                raise StopIteration
            if self._wanted in self._arrived:
                return self._deliver(self._wanted)
            number = self._receive()
            if number is not None and not self._in_order:
                return self._deliver(number)

    def _skip_what_will_not_come(self) -> None:
        """Pass over tasks that were given to a worker before its stream ended."""
        while self._wanted < self._sent:
            owner = self._owner.get(self._wanted)
            if owner is not None:
                if self._active[owner] or self._wanted in self._arrived:
                    return
                del self._owner[self._wanted]
            self._wanted += 1

    def _receive(self) -> int | None:
        """Take in one message; returns the number of the batch it brought, if it brought one."""
        try:
            worker_id, (epoch, number, answer) = self._workers.get(self._timeout)
        except BaseException:  # a death, the timeout, or Ctrl-C: nobody waits for batches now
            self._workers.shut_down(patience=0)
            raise
        if epoch != self._epoch:
            return None
        if isinstance(answer, Exhausted):
            self._active[worker_id] = False
            if not self._persistent:
                self._workers.dismiss(worker_id)
            self._send_task()
            return None
        self._arrived[number] = answer
        return number

    def _deliver(self, number: int) -> Any:
        answer = self._arrived.pop(number)
        self._load[self._owner.pop(number)] -= 1
        self._send_task()
        if isinstance(answer, CaughtError):
            answer.reraise()
        return answer


def _end(workers: Workers) -> None:
    """End them, whatever thread the garbage collector runs in.

    In one that feeds a queue it may run while that thread holds the queue's lock.
    """
    if threading.current_thread() is threading.main_thread():
        workers.shut_down()
    else:
        threading.Thread(target=workers.shut_down, daemon=True).start()
