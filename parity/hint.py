"""How to get what fails as scripts: the command that the summary and the report end with."""

from __future__ import annotations

import argparse
import shlex
from typing import Any

from .session import Session

EACH = 2  # names of ops, of modules and of programs
LOST = ("process", "laboratory", "atlas")  # kinds of samples of which no script can be made
OPTIONS = ("ours", "theirs", "data", "epochs", "limit")  # of a run, that its repros need
USUAL = {"ours": "minitorch_ref", "theirs": "torch"}


def names(session: Session) -> tuple[list[str], list[str]]:
    """(the first of what fails, all of it) as `python -m parity repro` takes it, the worst first.

    What hung, or ended its process, would do so again: it is left out.
    """
    first: list[str] = []
    every: list[str] = []
    for results in (session.ops, session.modules):
        failing = sorted((r for r in results if not r.verdict.ok), key=lambda r: -r.verdict)
        shown = [r.op for r in failing if any(_of_a_sample(s) for s in r.samples)]
        first, every = first + shown[:EACH], every + shown
    programs = [f"program.{p.name}" for p in session.programs if not p.verdict.ok and p.steps]
    return first + programs[:EACH], every + programs


def _of_a_sample(sample: Any) -> bool:
    return not sample.verdict.ok and sample.kind not in LOST


def line(session: Session, args: argparse.Namespace) -> str:
    """ "a script of each: python -m parity repro …"; "" if nothing fails that has one.

    args: the command line of the run: with its engines, and with what its programs were told.
    """
    first, every = names(session)
    if not first:
        return ""
    words = ["python", "-m", "parity", "repro", *first]
    for name in OPTIONS:
        value = getattr(args, name, None)
        if value is not None and value != USUAL.get(name):
            words += [f"--{name}", str(value)]
    which = "each" if first == every else f"the first of {len(every)}"
    return f"a script of {which}: {shlex.join(words)}"
