"""The sub-commands that are no part of the main comparison: name, module, one line of help.

A tool's module has `add_arguments(parser)` and `main(args)`, which returns the exit code; it is
imported only for the command that names it or for its help.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Any

TOOLS = {
    "accuracy": ("accuracy", "ULP errors of every inexact pointwise function, beside torch's"),
    "atlas": ("atlas", "maps and histograms of those errors over each domain, with a ratchet"),
    "coverage": ("coverage", "how much of torch's dense CPU API there is, name by name"),
    "diverge": ("diverge", "run a script on two engines and find the first op that differs"),
    "draws": (
        "draws",
        "log a script's random draws on two engines and find the first that differs",
    ),
    "trajectory": ("trajectory", "train a script on two engines: is the drift chaos, or a bug?"),
    "record": ("pack_record", "store what a device computes as a golden pack"),
    "check": ("pack_check", "check an engine against a golden pack, with no GPU"),
    "repro": ("repro", "write failures of an op, module or program as standalone scripts, shrunk"),
    "mutate": ("mutate", "spoil every gradient rule and result in turn: do the samples notice?"),
    "source": ("source", "show an op: its formula, where it is defined, its source and gradient"),
    "explain": ("explain", "replay an op under candidate causes of a difference"),
}


def register(parts: Any, argv: list[str]) -> None:
    """Add every tool to the sub-parsers; only those that `argv` names are imported."""
    for name, (module, text) in TOOLS.items():
        if name not in argv:
            parts.add_parser(name, help=text)
            continue
        tool = import_module(f".{module}", __package__)
        parser = parts.add_parser(
            name,
            help=text,
            description=tool.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        tool.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Run the tool that the command line names."""
    return import_module(f".{TOOLS[args.part][0]}", __package__).main(args)
