"""The command line's options that several commands take: each is defined here, once.

They may stand before or after the command.  So no parser sets their defaults (the second would set
them again): `settle` does when everything is parsed, and refuses what the command does not take.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

LIMIT = 120.0  # seconds for one op, or in one place


def at_least(least: int) -> Callable[[str], int]:
    """An argparse type: a whole number of at least `least`."""

    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"must be at least {least}, got {value}")
        return value

    number.__name__ = "whole number"  # "invalid whole number value: 'x'"
    return number


def seconds(text: str) -> float:
    """An argparse type: a positive number of seconds."""
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"must be more than 0 seconds, got {text}")
    return value


DEFAULTS: dict[str, Any] = {
    "ours": "minitorch_ref", "theirs": "torch", "pattern": "", "quick": False, "download": False,
}  # fmt: skip

SHARED: dict[str, tuple[str, dict[str, Any]]] = {
    "ours": ("--ours", {
        "metavar": "ENGINE", "help": "the engine that is judged, module or module:device"
        " (default: minitorch_ref)"}),
    "theirs": ("--theirs", {"metavar": "ENGINE", "help": "the reference (default: torch)"}),
    "out": ("--out", {"metavar": "DIR", "help": "where the report goes (default: out/parity)"}),
    "processes": ("--processes", {
        "type": at_least(0), "metavar": "N",
        "help": "worker processes (default: one per processor; 0: none)"}),
    "shard": ("--shard", {
        "metavar": "i/n",
        "help": "only every n-th op, module and program, from the i-th (for several machines)"}),
    "op_limit": ("--op-limit", {
        "type": seconds, "metavar": "SECONDS",
        "help": "stop an op that gives no answer for so long, and report it (default: 120); a module,"
        " a program between two steps, a function of the atlas likewise"}),
    "program_limit": ("--program-limit", {
        "type": seconds, "metavar": "SECONDS",
        "help": "stop a program whose runs take so long in all (default: 3600)"}),
    "ledger": ("--ledger", {"metavar": "FILE", "help": "another deviation ledger"}),
    "quick": ("--quick", {
        "action": "store_true",
        "help": "one run of the null model for each program instead of four: a wider band"}),
    "pattern": ("-k", {
        "metavar": "EXPR", "help": "only names that match: words with or, and, not"}),
    "data": ("--data", {
        "metavar": "DIR", "help": "folder with the programs' data (or $MINITORCH_DATA)"}),
    "epochs": ("--epochs", {
        "type": at_least(1), "metavar": "N", "help": "epochs of each program"}),
    "limit": ("--limit", {
        "type": at_least(1), "metavar": "N",
        "help": "images of the vision programs (default: 5,000 of lenet5, 1,000 of simplenet)"}),
    "download": ("--download", {
        "action": "store_true", "help": "let the programs download their data"}),
}  # fmt: skip


OPS = ("ours", "theirs", "out", "processes", "shard", "op_limit", "ledger", "pattern")
PROGRAMS = ("quick", "program_limit", "data", "epochs", "limit", "download")


def add(parser: argparse.ArgumentParser, *names: str, **helps: str) -> None:
    """Add some of the shared options to a command, some with other words in its help."""
    for name in names:
        flag, details = SHARED[name]
        changed = {"help": helps[name]} if name in helps else {}
        parser.add_argument(
            flag, dest=name, default=argparse.SUPPRESS, **{**details, **changed}
        )
    parser.set_defaults(takes=names)


def settle(parser: argparse.ArgumentParser, args: argparse.Namespace) -> argparse.Namespace:
    """Everything that was not given gets its default; a usage error for what is not taken."""
    given = [name for name in SHARED if name in args]
    for name in given:
        if name not in args.takes:
            flag = SHARED[name][0]
            parser.error(f"{flag} before {args.part}: {args.part} has no such option, or another one")
    for name in SHARED:
        if name not in args:
            setattr(args, name, DEFAULTS.get(name))
    return args
