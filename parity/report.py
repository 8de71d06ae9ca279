"""The report: one HTML file with everything in it, and the same as JSON beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from . import session as sessions
from . import worst
from .accuracy_cases import SAME
from .formulas import formula
from .outcome import Verdict
from .progress import changes, cost
from .report_sources import Sources
from .session import Session, write_atomically

SHOWN = 4  # samples of each op that are bit-identical
TEMPLATES = Path(__file__).with_name("templates")
CLASSES = {
    "identical": "identical",
    "equal within bound": "equal",
    "better": "better",
    "worse": "worse",
    "mismatch": "mismatch",
}


def bar(counts: dict[str, int]) -> list[dict[str, Any]]:
    """Segments of a stacked bar: class, share in percent, count."""
    total = sum(counts[str(v)] for v in Verdict)
    return [
        {
            "kind": CLASSES[str(v)],
            "name": str(v),
            "count": counts[str(v)],
            "share": 100 * counts[str(v)] / total,
        }
        for v in Verdict
        if total and counts[str(v)]
    ]


def families(ops: list[dict]) -> list[dict[str, Any]]:
    """The ops grouped by family, with summed counts."""
    found: dict[str, list[dict]] = {}
    for op in ops:
        found.setdefault(op["family"] or "no samples", []).append(op)
    rows = []
    for name, members in found.items():
        counts = {str(v): sum(m["counts"][str(v)] for m in members) for v in Verdict}
        rows.append(
            {
                "name": name,
                "ops": len(members),
                "samples": sum(counts.values()),
                "bar": bar(counts),
                "deviating": sum(m["verdict"] in ("worse", "mismatch") for m in members),
            }
        )
    return rows


def shorter(sample: dict[str, Any]) -> None:
    """Of a sample whose checks are all within the bound only the one that its verdict is from.

    (Among several the one that is nearest to its bound.)
    """
    checks = sample["checks"]
    if CLASSES[sample["verdict"]] in ("worse", "mismatch") or any(c["known"] for c in checks):
        sample["others"] = 0
        return
    named = [c for c in checks if c["verdict"] == sample["verdict"]] or checks
    nearest = max(named, key=lambda c: (c["ours"] or 0) / (c["bound"] or 1), default=None)
    sample["checks"] = [nearest] if nearest else []
    sample["others"] = len(checks) - len(sample["checks"])


def describe(ops: list[dict[str, Any]], session: Session) -> None:
    """Add to each op what its page shows: formula, call, source, torch's rule, atlas, samples."""
    sources = Sources(session.ours)
    drawn = {r["name"] for r in session.atlas}
    for op, result in zip(ops, session.ops, strict=True):
        op |= sources.of(result.namespace, result.name)
        op["formula"] = formula(result.op)
        for sample in op["notable"]:
            shorter(sample)
        op["drawn"] = SAME.get(result.op, result.op) in drawn
        alike = [s for s in result.samples if not s.verdict][:SHOWN]
        op["alike"] = [s.text for s in alike]


def news(session: Session, before: dict[str, Any] | None) -> list[dict[str, Any]]:
    """What is new since the stored run, for the first screen."""
    found = [] if before is None else changes(session, before)
    return [
        {"kind": kind, "names": names[:12], "count": len(names)} for kind, names in found if names
    ]


def context(session: Session, before: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the template is given."""
    from . import atlas_page
    from .plots import program_plot, ulp_plot

    data = sessions.as_dict(session, details=8)
    for op in data["ops"] + data["modules"]:
        op["bar"], op["kind"] = bar(op["counts"]), CLASSES[op["verdict"]]
    describe(data["ops"], session)
    for facts, program in zip(data["programs"], session.programs, strict=True):
        facts["kind"] = CLASSES[facts["verdict"]]
        facts["plot"] = program_plot(program) if program.difference.size else ""
    samples = sum(data["counts"][str(v)] for v in Verdict)
    identical = data["counts"][str(Verdict.IDENTICAL)]
    return {
        "data": data,
        "families": families(data["ops"]),
        "ulp_plot": ulp_plot(session) if session.ops else "",
        "samples": samples,
        "cost": cost(session),
        "compared_before": before is not None,
        "before": str((before or {}).get("started", "")),
        "news": news(session, before),
        "identical_share": 100 * identical / samples if samples else 0.0,
        "classes": CLASSES,
        "yardsticks": worst.YARDSTICKS,
        "number": worst.number,
        "atlas": atlas_page.embedded(session.atlas),
        "bar": bar(data["counts"]) if session.ops else [],
        "module_bar": bar(data["module_counts"]) if session.modules else [],
    }


def environment() -> Any:
    """Where the pages' templates are."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(session: Session, before: dict[str, Any] | None = None) -> str:
    """The page as HTML."""
    return environment().get_template("index.html.j2").render(context(session, before))


def write(session: Session, folder: Path, before: dict[str, Any] | None = None) -> Path:
    """Write index.html and parity.json into `folder`, each whole or not at all; the page's path.

    before: the stored run, to say what is new.
    """
    page = folder / "index.html"
    html = render(session, before)
    data = json.dumps(sessions.as_dict(session), indent=1, default=str)
    write_atomically(folder / "parity.json", data)
    write_atomically(page, html)
    return page
