"""A small pool of threads over chunks of work.

NumPy lets go of the interpreter lock inside large copies, ufuncs and matrix products, so threads
scale.  The kernels cut their work into tiles by *shape alone*, each tile writes its own part of the
result, and tiles are handed out in order:

    tiles   0   1   2   3   4   5
            A   B   A   A   B   A      whichever thread is free takes the next one

so a result does not depend on the number of threads.  BLAS is held to one thread from the first use
of the pool on, through threadpoolctl: its own threads spin for some milliseconds after each product
and would take the cores from ours.  (torch owns MKL's threads in the same way.)  Products are split
over the pool instead, in products.py.  Without threadpoolctl the pool stays off and BLAS threads by
itself.

Nothing starts at import.  The pool starts at the first call with work for it, and after a `fork` the
child starts one of its own.
"""

from __future__ import annotations

import contextvars
import itertools
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

_count: int | None = None
_pool: _Pool | None = None
_turn = threading.Lock()  # one parallel region at a time; others run serially meanwhile
_inside = threading.local()


def get_num_threads() -> int:
    """The number of threads the kernels use: what was set, or as many as there are cores."""
    global _count
    if _count is None:
        _count = _default_count()
    return _count


def set_num_threads(number: int) -> None:
    """Set the number of threads used inside one op.

    Raises TypeError for a non-integer, RuntimeError for a number below one.
    """
    global _count, _pool
    if isinstance(number, bool) or not hasattr(number, "__index__"):
        raise TypeError(f"set_num_threads expects an int, but got {type(number).__name__}")
    if number < 1:
        raise RuntimeError("set_num_threads expects a positive integer")
    with _turn:
        _count = number.__index__()
        if _pool is not None and len(_pool.helpers) + 1 != _count:
            _pool.stop()
            _pool = None
    hold_blas()


def _default_count() -> int:
    """OMP_NUM_THREADS if set, else the physical cores this process may run on."""
    wanted = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    try:
        cpus = os.sched_getaffinity(0)
    except AttributeError:  # not on this system
        return os.cpu_count() or 1
    cores = {_siblings(cpu) for cpu in cpus}
    return max(1, len(cores))


def _siblings(cpu: int) -> str:
    path = f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return str(cpu)


ALONE = 120_000  # nanoseconds of work that is done sooner than a second thread wakes and helps


def parallel_for(task: Callable[[int], Any], count: int, cost: float = ALONE) -> None:
    """Run `task(0) … task(count-1)`, on several threads when that is allowed and worth it.

    Tasks must write to disjoint places.  The first exception of any task is raised here.  `cost` is
    about how many nanoseconds one thread would take for all: a thread that has to be woken comes some
    40 us later, and the two wait for the interpreter lock now and then.
    """
    if count > 1 and cost >= ALONE and get_num_threads() > 1 and hold_blas():
        if not getattr(_inside, "flag", False) and _turn.acquire(False):
            try:
                _running_pool().run(task, count)
            finally:
                _turn.release()
            return
    for i in range(count):
        task(i)


class Work(NamedTuple):
    """A result that is still to be made: by `tasks`, in any order, and then `finish`, which returns it.

    Several of them can be made together, so that one waking of the threads serves all.
    """

    tasks: Sequence[Callable[[], Any]]
    finish: Callable[[], Any]

    def done(self) -> Any:
        """Do it, and return the result."""
        return done([self])[0]


def done(works: Sequence[Work], cost: float = ALONE) -> list[Any]:
    """Do several pieces of work at once, which cost so many nanoseconds, and return their results."""
    tasks = works[0].tasks if len(works) == 1 else [task for work in works for task in work.tasks]
    parallel_for(lambda i: tasks[i](), len(tasks), cost)
    return [work.finish() for work in works]


def _running_pool() -> _Pool:
    global _pool
    if _pool is None:
        _pool = _Pool(get_num_threads() - 1)
    return _pool


class _Job:
    """One parallel region: the tasks still to be taken, who is at work, and how it ended."""

    def __init__(self, task: Callable[[int], Any], count: int) -> None:
        self.task, self.count = task, count
        self.next = itertools.count().__next__  # atomic
        self.lock, self.finished = threading.Lock(), threading.Lock()
        self.finished.acquire()
        self.helpers, self.closed = 0, False
        self.error: BaseException | None = None

    def work(self) -> None:
        """Take tasks until none is left."""
        try:
            while (i := self.next()) < self.count:
                self.task(i)
        except BaseException as error:  # raised again by the thread that called
            if self.error is None:
                self.error = error
            while self.next() < self.count:  # leave nothing to the others
                pass

    def help(self) -> None:
        """What a pool thread does; one that wakes up too late finds the job closed."""
        with self.lock:
            if self.closed:
                return
            self.helpers += 1
        self.work()
        with self.lock:
            self.helpers -= 1
            if self.closed and not self.helpers:
                self.finished.release()

    def wait(self) -> None:
        """Return once no other thread is at work on it."""
        with self.lock:
            self.closed = True
            waiting = self.helpers > 0
        if waiting:
            self.finished.acquire()


class _Helper:
    """A thread that sleeps between regions."""

    def __init__(self) -> None:
        self.wake = threading.Lock()
        self.wake.acquire()
        self.asleep = True
        self.order: tuple[_Job, contextvars.Context] | None = None
        self.thread = threading.Thread(target=self._loop, daemon=True, name="kernels")
        self.thread.start()

    def send(self, order: tuple[_Job, contextvars.Context] | None) -> None:
        self.order, self.asleep = order, False
        self.wake.release()

    def _loop(self) -> None:
        _inside.flag = True
        while True:
            self.wake.acquire()
            order, self.order = self.order, None
            if order is None:
                return
            job, context = order
            context.run(job.help)
            del order, job, context  # an idle thread keeps no array alive
            self.asleep = True


class _Pool:
    """`number` helpers; the calling thread works too."""

    def __init__(self, number: int) -> None:
        _register_fork_hook()
        self.helpers = [_Helper() for _ in range(number)]

    def run(self, task: Callable[[int], Any], count: int) -> None:
        job = _Job(task, count)
        for helper in self.helpers[: count - 1]:
            if helper.asleep:  # one still busy waking up for the last region is left alone
                # a copy of the context carries NumPy's error state into the thread
                helper.send((job, contextvars.copy_context()))
        _inside.flag = True
        try:
            job.work()
        finally:
            _inside.flag = False
            job.wait()
        if job.error is not None:
            raise job.error

    def stop(self) -> None:
        for helper in self.helpers:
            while not helper.asleep:
                time.sleep(1e-4)
            helper.send(None)
            helper.thread.join()


_hooked = False


def _register_fork_hook() -> None:
    global _hooked
    if not _hooked and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget)
    _hooked = True


def _forget() -> None:
    """In a forked child none of the threads exist, and locks may be held by ghosts."""
    global _pool, _turn
    _pool, _turn = None, threading.Lock()
    _inside.flag = False


_libraries: list[Any] | None = None


def _blas() -> list[Any]:
    """Handles on the BLAS libraries in the process (none without threadpoolctl)."""
    global _libraries
    if _libraries is None:
        try:
            from threadpoolctl import ThreadpoolController
        except ImportError:
            _libraries = []
        else:
            found = ThreadpoolController().select(user_api="blas")
            _libraries = list(found.lib_controllers)
    return _libraries


def blas_architecture() -> str:
    """Which processor's kernels BLAS runs, in OpenBLAS's words; "" where that is not known."""
    found = {str(getattr(library, "architecture", "")) for library in _blas()}
    return found.pop() if len(found) == 1 else ""


_held = False


def hold_blas() -> bool:
    """Hold BLAS to one thread from now on; whether there is a way to do that."""
    global _held
    if not _held:
        for library in _blas():
            library.set_num_threads(1)
        _held = True
    return bool(_libraries)
