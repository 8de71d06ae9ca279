"""How to get what fails as scripts: the command that the summary and the report end with."""

from __future__ import annotations

import argparse
import importlib
import shlex
from typing import Any

from .engines import open_engine
from .options import DEFAULTS
from .runner import op_name, registry_keys
from .session import Session

EACH = 2  # names of ops, of modules and of programs
LOST = ("process", "laboratory", "atlas")  # kinds of samples of which no script can be made
OPTIONS = ("ours", "theirs", "ledger", "data", "epochs", "limit")  # of a run, that its repros need


def names(session: Session) -> tuple[list[str], list[str]]:
    """(the first of what fails, all of it) as `python -m parity repro` takes it, the worst first.

    What hung, or ended its process, would do so again: it is left out.  So are other names of what
    is there already: torch.special.expit is torch.sigmoid.
    """
    first: list[str] = []
    every: list[str] = []
    functions = one_function() if session.ops else {}
    for results in (session.ops, session.modules):
        failing = sorted((r for r in results if not r.verdict.ok), key=lambda r: -r.verdict)
        shown: dict[Any, str] = {}
        for r in failing:
            if any(_of_a_sample(s) for s in r.samples):
                shown.setdefault(functions.get(r.op, r.op), r.op)
        names = list(shown.values())
        first, every = first + names[:EACH], every + names
    programs = [f"program.{p.name}" for p in session.programs if not p.verdict.ok and p.steps]
    return first + programs[:EACH], every + programs


def one_function() -> dict[str, int]:
    """For each op the identity of its function: the registry has other names of one apart."""
    ours = open_engine(DEFAULTS["ours"])
    registry = importlib.import_module(f"{ours.module.__name__}.ops.registry").REGISTRY
    return {op_name(key): id(registry[key].call) for key in registry_keys(ours)}


def _of_a_sample(sample: Any) -> bool:
    return not sample.verdict.ok and sample.kind not in LOST


def line(session: Session, args: argparse.Namespace) -> str:
    """ "a script of each: python -m parity repro …"; "" if nothing fails that has one.

    args: the command line of the run: with its engines and ledger, and with what its programs were told.
    """
    first, every = names(session)
    if not first:
        return ""
    words = ["python", "-m", "parity", "repro", *first]
    for name in OPTIONS:
        value = getattr(args, name, None)
        if value is not None and value != DEFAULTS.get(name):
            words += [f"--{name}", str(value)]
    which = "each" if first == every else f"the first of {len(every)}"
    return f"a script of {which}: {shlex.join(words)}"
