"""Work spread over processes that may die or hang: either costs only the thing that was in hand.

A worker is a function `work(pipe, *arguments)`.  It says that it is ready with an empty text, then
receives one key after the other until None comes, and answers each with its result; before that it
may send texts that say where it is, for the case that nothing comes after them (an empty one: where it
takes what it takes), and any number of a result's `Part`s.  A worker that dies
(some torch kernels end in SIGFPE on odd integers) or gives no answer in time is replaced, and what
it had in hand is reported by `died` or `late`.
"""

from __future__ import annotations

import contextlib
import math
import multiprocessing as mp
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any

from .memory import PEAK

READY = 300.0  # seconds in which a worker says that it is ready: it imports its engines first


def processors() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # neither macOS nor Windows tells


@dataclass(frozen=True)
class Part:
    """Something of a result that is not yet whole."""

    item: Any


@dataclass(frozen=True)
class Limit:
    """Seconds: for one key in all, and for silence, that is without a text that says where it is."""

    whole: float = math.inf
    silence: float = math.inf


class Worker:
    """A process, what it works on, since when, and where it said that it was."""

    def __init__(self, context: mp.context.SpawnContext, work: Callable, arguments: tuple) -> None:
        self.pipe, child = context.Pipe()
        self.process = context.Process(target=work, args=(child, *arguments), daemon=True)
        self.process.start()
        child.close()
        self.key: Any = None
        self.at, self.started = "", time.monotonic()
        self.since = self.heard = math.inf  # the clocks run from when it says that it is ready
        self.ready = False

    def give(self, key: Any) -> None:
        self.key, self.at = key, ""
        self.since = self.heard = time.monotonic() if self.ready else math.inf
        with contextlib.suppress(BrokenPipeError):  # it has just died: the pipe will say so
            self.pipe.send(key)

    def hear(self, message: str) -> None:
        """It is ready (an empty text), or somewhere; then an empty text stops the clock of silence."""
        self.at, self.heard = message, time.monotonic()
        if not self.ready:
            self.ready, self.since = True, self.heard
        elif not message:
            self.heard = math.inf

    def late(self, limit: Limit) -> str:
        """In words, which limit it is beyond; "" while there is time."""
        now = time.monotonic()
        if not self.ready:
            return f"not ready within {READY:g} s" if now - self.started > READY else ""
        if now - self.since > limit.whole:
            return f"no answer within {limit.whole:g} s"
        return f"nothing for {limit.silence:g} s" if now - self.heard > limit.silence else ""

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self.process.kill()
        self.process.join(5)

    def ended(self) -> str:
        """In words, how it died, and where."""
        self.process.join(5)
        where = f", in {self.at}" if self.at else ""
        return f"the process comparing it ended with exit code {self.process.exitcode}{where}"


class _Crew:
    """The workers at work, and the queue that they work off."""

    def __init__(self, start: Callable[[], Worker], keys: list[Any], count: int) -> None:
        self.start, self.queue = start, deque(keys)
        self.busy: dict[Any, Worker] = {}
        self.idle: Worker | None = None  # whose result is being looked at
        for worker in [start() for _ in range(count)]:
            self.occupy(worker)

    def occupy(self, worker: Worker) -> None:
        """Give the worker the next key, or let it go home."""
        if self.queue:
            worker.give(self.queue.popleft())
            self.busy[worker.pipe] = worker
        elif worker.process.is_alive():
            worker.give(None)

    def replace(self) -> None:
        """Another worker for one that is gone, if there is still something to do."""
        if self.queue:
            self.occupy(self.start())

    def results(self, died: Callable, late: Callable, limit: Limit) -> Iterator[Any]:
        """Each result as it comes; `died(worker)` and `late(worker, why)` stand in for others."""
        while self.busy:
            for pipe in wait(list(self.busy), min(limit.whole / 4, limit.silence / 4, 0.25)):
                worker = self.busy[pipe]
                try:
                    message = worker.pipe.recv()
                except (EOFError, OSError):
                    del self.busy[pipe]
                    yield died(worker)
                    self.replace()
                    continue
                if isinstance(message, str):
                    worker.hear(message)
                    continue
                if isinstance(message, Part):
                    worker.heard = time.monotonic()
                    yield message
                    continue
                worker.ready = True  # its clocks start with the next key
                PEAK.look(w.process.pid or 0 for w in self.busy.values())
                self.idle = self.busy.pop(pipe)
                yield message
                self.idle = None
                self.occupy(worker)
            for worker in [w for w in self.busy.values() if w.late(limit)]:
                if worker.pipe.poll():
                    continue  # it has just answered
                del self.busy[worker.pipe]
                worker.stop()
                yield late(worker, worker.late(limit))
                self.replace()


def in_processes(
    work: Callable,
    arguments: tuple,
    keys: list[Any],
    processes: int | None,
    died: Callable[[Worker], Any],
    late: Callable[[Worker, str], Any],
    limit: Limit = Limit(),
) -> Iterator[Any]:
    """The result for each of `keys`, in the order in which they come.

    processes: how many; None for one per processor.
    died, late: the result that stands for a key whose worker ended, or was stopped (and why).
    """
    context = mp.get_context("spawn")
    count = max(1, min(processes or processors(), len(keys)))
    crew = _Crew(lambda: Worker(context, work, arguments), keys, count)
    try:
        yield from crew.results(died, late, limit)
    finally:
        for worker in (*crew.busy.values(), crew.idle):
            if worker is not None:  # whoever looked at a result wants no more
                worker.stop()
