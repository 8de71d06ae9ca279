"""Workers of parity/crew.py that are slow in every way, but need no time to start."""

import time

import hurried


def to_start(pipe):
    time.sleep(60)


def work(pipe):
    """Takes longer to get ready than a limit; never ends."""
    time.sleep(1.3)
    pipe.send("")
    key = pipe.recv()
    if key == "silent":
        pipe.send("asleep")
        time.sleep(60)
    for _ in range(600):
        pipe.send("and on")
        time.sleep(0.1)


def mute(pipe):
    """Never says that it is ready; by the fast clock the second answer takes it minutes."""
    pipe.send((pipe.recv(),))
    hurried.mark()
    key = pipe.recv()
    time.sleep(1.5)
    pipe.send((key,))
