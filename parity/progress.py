"""What the terminal shows: a progress bar while comparing, a summary table after it."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import worst
from .outcome import OpResult, Verdict
from .session import Session

COLOURS = {
    "identical": "green",
    "equal within bound": "cyan",
    "better": "blue",
    "worse": "yellow",
    "mismatch": "red",
    "known": "magenta",
}


class Progress:
    """A display of what is done: `start` a part, then `done` with each of its results.

    On a terminal it is a bar for each part.  Elsewhere, in a log, it is lines: one when a part
    starts, one when it has ended, and every 15 seconds what is done so far.

    known: marks what of a result is a known deviation, before it is counted.
    """

    def __init__(
        self,
        file: Any = None,
        every: float = 15.0,
        known: Callable[[Any], object] = lambda result: None,
    ) -> None:
        self.file, self.every, self.known = file or sys.stderr, every, known
        self.title, self.note = "", ""
        self.total = self.count = self.bad = 0
        self.bars: Any = None

    def __enter__(self) -> Progress:
        from rich.console import Console

        console = Console(file=self.file)
        if console.is_terminal:
            self.bars = _bars(console)
            self.bars.start()
        else:
            self.ended = threading.Event()
            self.speaker = threading.Thread(target=self._speak, daemon=True)
            self.speaker.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bars is not None:
            self.bars.stop()
            return
        self._end_part()
        self.ended.set()
        self.speaker.join()

    def start(self, title: str, total: int) -> None:
        """Another part, of `total` things."""
        self._end_part()
        self.title, self.total, self.count, self.bad, self.note = title, total, 0, 0, ""
        self.since = time.monotonic()
        if self.bars is not None:
            self.task = self.bars.add_task(title, total=total, note="")
        else:
            self._say(f"{title}: {total} to do")

    def step(self, name: str) -> None:
        """One thing done that has no verdict."""
        self.count, self.note = self.count + 1, name[:36]
        if self.bars is not None:
            bad = f" [red]{self.bad} deviating[/]" if self.bad else ""
            self.bars.update(self.task, advance=1, note=f"[dim]{self.note}[/]{bad}")

    def done(self, result: Any) -> None:
        """One thing done, with its verdict."""
        if hasattr(result, "samples"):
            self.known(result)
        self.bad += not result.verdict.ok
        name = result.op if hasattr(result, "op") else result.name
        self.step(name.removeprefix("module."))

    # ---- lines -----------------------------------------------------------------------------------

    def _say(self, text: str) -> None:
        print(f"parity: {text}", file=self.file, flush=True)

    def _counts(self, word: str) -> str:
        bad = f", {self.bad} deviating" if self.bad else ""
        seconds = time.monotonic() - self.since
        return f"{self.title}: {self.count} of {self.total} {word} {seconds:.0f} s{bad}"

    def _speak(self) -> None:
        while not self.ended.wait(self.every):
            if self.title and self.count < self.total:
                last = f"; last {self.note}" if self.note else ""
                self._say(self._counts("after") + last)

    def _end_part(self) -> None:
        if self.bars is None and self.title and self.total:
            self._say(self._counts("in"))
        self.title = ""


def _bars(console: Any) -> Any:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    return Bars(
        TextColumn("{task.description:>9}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
    )


def summary(session: Session, page: Path, before: dict[str, Any] | None) -> None:
    """The closing tables: families by verdict, programs, the worst ten, what deviates."""
    from rich.console import Console

    console = Console(width=None if Console().is_terminal else 130)
    for title, results in (("ops", session.ops), ("modules", session.modules)):
        if results:
            console.print(_families(title, results))
    if session.kinds():
        console.print(_kinds(session))
    if session.programs:
        console.print(_programs(session))
    if any(r.worst("ours") or r.worst("theirs") for r in session.ops):
        for table in worst.tables(session.ops):
            console.print(table)
        if furthest := worst.apart(session.ops):
            said = ", ".join(f"{op} {worst.number(ulp)}" for op, ulp in furthest)
            console.print(f"largest distances {worst.APART}: {said}", highlight=False)
    for why, names in session.left_out.items():
        console.print(f"left out, {why}: {', '.join(names)}", highlight=False, markup=False)
    _deviations(console, session)
    if before is not None:
        _since(console, session, before)
    if session.hint:
        console.print(session.hint, highlight=False, markup=False, soft_wrap=True)
    console.print(f"report: {page}   ({cost(session)})", highlight=False)
    count = len(session.failing()) + len(session.problems)
    bad = f"[bold red]{count} deviation{'s' * (count != 1)}[/]"
    console.print("[bold green]parity[/]" if session.ok else bad)


def _families(title: str, results: list[OpResult]) -> Any:
    from rich.table import Table

    table = Table(title=f"{len(results)} {title}, samples by verdict", title_justify="left")
    columns = [*map(str, Verdict), "known"]
    table.add_column("family")
    table.add_column(title, justify="right")
    for name in columns:
        table.add_column(name, justify="right")
    families: dict[str, list[OpResult]] = {}
    for result in results:
        families.setdefault(result.family or "no samples", []).append(result)
    for family, members in [*families.items(), ("all", results)]:
        counts = {c: sum(m.counts()[c] for m in members) for c in columns}
        cells = [f"[{COLOURS[c]}]{n:,}[/]" if n else "" for c, n in counts.items()]
        table.add_row(
            family,
            str(len(members)),
            *cells,
            style="bold" if family == "all" else "",
            end_section=family == list(families)[-1],
        )
    return table


def _programs(session: Session) -> Any:
    from rich.table import Table

    table = Table(title="programs, whole runs", title_justify="left")
    for name, right in (
        ("program", False),
        ("steps", True),
        ("verdict", False),
        ("largest difference", True),
        ("null band", True),
        ("ours", True),
        ("torch", True),
    ):
        table.add_column(name, justify="right" if right else "left")
    for p in session.programs:
        facts = p.as_dict()
        far, band = facts.get("largest_relative_difference"), facts.get("null_band")
        table.add_row(
            p.name,
            str(p.steps),
            f"[{COLOURS[str(p.verdict)]}]{p.verdict}[/]",
            "" if far is None else f"{far:.1e}",
            "" if not band else f"{band:.1e}",
            f"{facts.get('our_seconds', 0):.1f} s",
            f"{facts.get('torch_seconds', 0):.1f} s",
        )
    return table


def _kinds(session: Session) -> Any:
    from rich.table import Table

    table = Table(title="what deviates", title_justify="left")
    for name in ("kind", "ops", "samples", "for example"):
        table.add_column(name, justify="right" if name in ("ops", "samples") else "left")
    for kind, ops, samples, example in session.kinds():
        table.add_row(kind, str(ops), f"{samples:,}", example)
    return table


def _deviations(console: Any, session: Session, limit: int = 25) -> None:
    from rich.markup import escape

    failing = [r for r in session.ops + session.modules if not r.verdict.ok]
    for r in sorted(failing, key=lambda r: -r.verdict)[:limit]:
        said = escape(_why(r)[:400])
        name = r.op.removeprefix("module.")
        console.print(f"[{COLOURS[str(r.verdict)]}]{name}[/]: {said}", highlight=False)
    if len(failing) > limit:
        console.print(f"… and {len(failing) - limit} more, in the report")
    for p in session.programs:
        if not p.verdict.ok:
            console.print(f"[red]program {p.name}[/] {escape(p.detail)}", highlight=False)
    for problem in session.problems:
        console.print(f"[red]ledger: {problem.kind}[/] {escape(problem.text)}", highlight=False)


def _why(result: OpResult) -> str:
    """The worst check of the worst sample."""
    sample = max(result.samples, key=lambda s: s.verdict, default=None)
    if sample is None:
        return "the op has no samples"
    check = max((c for c in sample.checks if not c.known), key=lambda c: c.verdict)
    if sample.kind == check.part:  # it is about no sample: the process ended, or hung
        return check.detail
    where = "" if sample.kind == "module" else f"{sample.text}: {check.form} "
    return f"{where}{check.part}: {check.detail}"


def cost(session: Session) -> str:
    """Time and memory in words."""
    text = f"{session.seconds:.0f} s"
    if session.memory:
        count = session.memory_processes
        text += f", at most {session.memory / 1e9:.2f} GB"
        text += f" over {count} processes" if count > 1 else ""
    return text + (f", shard {session.shard}" if session.shard else "")


def changes(session: Session, before: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """What is new since the stored run, of what both runs compared: (kind, names or figures)."""
    old = {o["op"]: o for o in before.get("ops", ())}
    now = {r.op: r for r in session.ops}
    both = [n for n in now if n in old]
    names = {*now, *(r.op.removeprefix("module.") for r in session.modules)}
    names |= {p.name for p in session.programs}
    failing, failed = set(session.failing()), set(before["failing"])
    compared = {n for n in failed if n.rpartition(" ")[2] in names or n.partition(" ")[2] in names}

    def figures(up: bool) -> list[str]:
        moved = []
        for name in both:
            a, b = float(old[name].get("ulp_ours", 0)), round(now[name].worst("ours"), 3)
            if (b > a) if up else (b < a):
                moved.append((abs(b - a), f"{name} {a:.3g} → {b:.3g}"))
        return [text for _, text in sorted(moved, reverse=True)]

    return [
        ("deviate now", sorted(failing - failed)),
        ("deviate no more", sorted(compared - failing)),
        ("new ops", sorted(now.keys() - old.keys()) if old else []),
        ("error grew, in ULP", figures(True)),
        ("error shrank, in ULP", figures(False)),
    ]


def _since(console: Any, session: Session, before: dict[str, Any]) -> None:
    found = [(kind, names) for kind, names in changes(session, before) if names]
    for kind, names in found:
        more = f" … {len(names) - 8} more" if len(names) > 8 else ""
        console.print(
            f"since the stored run: {len(names)} {kind}: {', '.join(names[:8])}{more}",
            highlight=False,
            markup=False,
        )
    if not found:
        console.print("since the stored run: nothing new")
