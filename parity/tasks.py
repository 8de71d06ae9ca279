"""Things done in processes that may hang or die, one after the other or side by side.

    for item in run(prepare, do, (spec,), keys, lost):

`prepare(*arguments)` makes what the process needs, its engines, once.  `do(made, key, at)` yields what
there is to say of one key, bit by bit, and tells `at` of each place before it goes there ("" where no
engine runs, and it takes what it takes).  Whatever hangs is killed from outside, so a kernel that holds
the interpreter's lock for ever is no exception; it is named in `lost` with the place that it was in,
and another process goes on with the next key.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from typing import Any

from .crew import Limit, Part, Worker, in_processes
from .engines import InputError
from .options import LIMIT

At = Callable[[str], None]
Prepare = Callable[..., Any]
Do = Callable[[Any, Any, At], Iterable[Any]]


def nowhere(place: str) -> None:
    """Told of each place where nobody watches."""


class Ended:
    """The end of what there is to say of a key; `failed`: why it is not whole."""

    def __init__(self, key: Any, failed: str = "", error: Exception | None = None) -> None:
        self.key, self.failed, self.error = key, failed, error


def _work(pipe: Connection, prepare: Prepare, do: Do, arguments: tuple) -> None:
    """A worker of crew.py."""
    try:
        made = prepare(*arguments)
    except (InputError, OSError) as error:
        pipe.send(Ended(None, error=error))
        return
    pipe.send("")
    while (key := pipe.recv()) is not None:
        try:
            for item in do(made, key, pipe.send):
                pipe.send(Part(item))
            pipe.send(Ended(key))
        except (InputError, OSError) as error:
            pipe.send(Ended(key, error=error))
        except Exception:  # the laboratory's own; it costs this key only
            pipe.send(Ended(key, traceback.format_exc(limit=-3)))


def _died(worker: Worker) -> Ended:
    return Ended(worker.key, worker.ended())


def _late(worker: Worker, why: str) -> Ended:
    return Ended(worker.key, f"{why}, stopped in {worker.at or 'its beginning'} (--op-limit)")


def run(
    prepare: Prepare,
    do: Do,
    arguments: tuple,
    keys: list[Any],
    lost: list[tuple[Any, str]],
    limit: float | None = None,
    processes: int | None = None,
    ended: Callable[[Any], None] = lambda key: None,
) -> Iterator[Any]:
    """What `do` yields for each key, as it comes; raises what is wrong with the input.

    lost: is told which keys are not whole, and why.  limit: seconds in one place.
    processes: how many; 0 to stay in this one, without the limit (None: there is one other).
    ended: told of each key that is done with.
    """
    if processes == 0:
        made = prepare(*arguments)
        for key in keys:
            yield from do(made, key, nowhere)
            ended(key)
        return
    task, patience = (prepare, do, arguments), Limit(silence=limit or LIMIT)
    for message in in_processes(_work, task, keys, processes or 1, _died, _late, patience):
        if isinstance(message, Part):
            yield message.item
            continue
        if message.error is not None:
            raise message.error
        if message.failed:
            lost.append((message.key, message.failed.strip()))
        ended(message.key)
