"""The loader's side of its worker processes: start, feed, collect, and end them.

Collecting waits for any of the workers' pipes, and for the end of any of the processes, in one
system call.  So a batch is seen when it arrives, and a death when it happens.
"""

from __future__ import annotations

import os
import pickle
import signal
import time
from multiprocessing.connection import wait
from typing import Any

from .worker import CHECK_INTERVAL, Job, Task, work


class Workers:
    """A pool in which each process has a queue of tasks and a pipe of results."""

    def __init__(self, job: Job, context: Any) -> None:
        self._owner = os.getpid()
        self._stop = context.RawValue("b", 0)  # no lock, which a killed worker could take with it
        self._tasks: list[Any] = []
        self._readers: list[Any] = []
        self._processes: list[Any] = []
        self._closed = False
        self.listening: set[int] = set()  # workers from which more may come
        try:
            for i in range(job.num_workers):
                self._start(job, context, i)
        except BaseException:
            self.shut_down()
            raise

    def _start(self, job: Job, context: Any, i: int) -> None:
        tasks = context.Queue()
        tasks.cancel_join_thread()
        reader, writer = context.Pipe(duplex=False)
        process = context.Process(
            target=work, args=(job, i, tasks, writer, reader, self._stop), daemon=True
        )
        process.start()
        writer.close()  # so that the pipe ends when the worker does
        self._tasks.append(tasks)
        self._readers.append(reader)
        self._processes.append(process)
        self.listening.add(i)

    def put(self, worker_id: int, task: Task) -> None:
        self._tasks[worker_id].put(task)

    def dismiss(self, worker_id: int) -> None:
        """Let a worker end that has nothing more to give."""
        self.listening.discard(worker_id)
        self._tasks[worker_id].put(None)

    def get(self, timeout: float) -> Any:
        """The next (worker, message) of any worker; waits `timeout` seconds at most, if not 0.

        Raises RuntimeError when time is up, or a worker has died.
        """
        readers = {self._readers[i]: i for i in self.listening}
        ends = {self._processes[i].sentinel: i for i in self.listening}
        ready = wait([*readers, *ends], timeout or None)
        if not ready:
            raise RuntimeError(f"DataLoader timed out after {timeout} seconds")
        for reader, i in readers.items():
            if reader in ready:
                try:
                    payload = reader.recv_bytes()
                except (EOFError, OSError):  # it died, perhaps in the middle of a message
                    continue
                return i, pickle.loads(payload)
        raise self._death_notice()

    def _death_notice(self) -> RuntimeError:
        for i in self.listening:
            if wait([self._processes[i].sentinel, self._readers[i]], 0):
                self._processes[i].join(CHECK_INTERVAL)  # its pipe ends shortly before it does
        dead = [self._processes[i] for i in sorted(self.listening)]
        dead = [p for p in dead if p.exitcode is not None]
        pids = ", ".join(str(p.pid) for p in dead)
        notice = RuntimeError(f"DataLoader worker (pid(s) {pids}) exited unexpectedly")
        notice.__cause__ = RuntimeError(" ".join(_how_it_ended(p) for p in dead))
        return notice

    def shut_down(self, patience: float = CHECK_INTERVAL) -> None:
        """End all workers: ask, wait `patience` seconds, insist.  Doing so twice is harmless."""
        if self._closed or os.getpid() != self._owner:  # a forked child has only a copy
            return
        self._closed = True
        self._stop.value = 1
        for tasks in self._tasks:
            tasks.put(None)
        for reader in self._readers:
            reader.close()
        deadline = time.monotonic() + patience
        for process in self._processes:
            process.join(max(0.0, deadline - time.monotonic()))
        for process in self._processes:
            for insist in (process.terminate, process.kill):
                if process.is_alive():
                    insist()
                    process.join(CHECK_INTERVAL)
        for tasks in self._tasks:
            tasks.cancel_join_thread()
            tasks.close()


def _how_it_ended(process: Any) -> str:
    code = process.exitcode
    if code < 0:
        how = signal.strsignal(-code)
        return f"DataLoader worker (pid {process.pid}) is killed by signal: {how}."
    return f"DataLoader worker (pid {process.pid}) exited unexpectedly with exit code {code}."
