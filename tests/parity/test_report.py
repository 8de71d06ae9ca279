"""The page: complete in itself, and working in a real browser."""

import re
import shutil
import subprocess

import numpy as np
import pytest

from parity import report
from parity.ledger import Entry, Problem
from parity.outcome import Check, OpResult, SampleResult, Verdict
from parity.programs import Trace, judge
from parity.session import Session

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def made_session():
    """A run with every sort of verdict, and text that must be escaped."""
    def op(name, verdict, family="pointwise", known="", **figures):
        check = Check(verdict, "out", detail="<b>detail</b>", known=known, **figures)
        return OpResult("torch", name, family, "ulp", [SampleResult("n", f"{name}(<[3] ·>)", "call", "float32", [check])])

    losses = np.linspace(2, 1, 300)
    theirs = Trace("torch", [np.ones(3)], ["d"] * 300, losses, [], 1.0, "data.csv", 3, {"test_accuracy": 0.5})
    ours = Trace("ours", [np.ones(3)], ["d"] * 300, losses * (1 + 1e-15), [], 0.5, "data.csv", 3, {"test_accuracy": 0.5})
    null = Trace("torch", [], [], losses * (1 + 3e-15), [], 1.0)
    session = Session("minitorch_ref", "torch", {"python": "3", "processors": "2"}, started="now", seconds=12.0)
    session.ops = [op("add", Verdict.IDENTICAL), op("exp", Verdict.EQUAL, ours=1.5, theirs=1.0, bound=2.0), op("tan", Verdict.BETTER, ours=1.0, theirs=9.0, bound=2.0),
                   op("lgamma", Verdict.WORSE, ours=40.0, theirs=2.0, bound=2.0), op("conv2d", Verdict.MISMATCH, "convolution"), op("sinc", Verdict.WORSE, known="as torch has it", ours=4.0)]
    session.modules = [OpResult("module", "Linear(4, 3)", "layers", "sum", [SampleResult("m", "m", "module", "float32", [Check(Verdict.EQUAL, "step 5", ours=1.0, theirs=1.0, bound=2.0)])])]
    session.programs = [judge("lenet5", ours, theirs, [null])]
    entry = Entry("sinc", "out", "as torch has it", "ours 4 ULP")
    session.entries, session.problems = [entry], [Problem("vanished", entry, "sinc out: gone")]
    return session


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return report.write(made_session(), tmp_path_factory.mktemp("report"))


def test_it_needs_nothing_from_elsewhere(page):
    html = page.read_text()
    assert not re.findall(r'(?:src|href)="(?!data:)[^"]*"', html) and "url(" not in html and "@import" not in html
    assert html.count("data:image/png;base64,") == 2


def test_it_says_what_was_found(page):
    html = page.read_text()
    for text in ("lgamma", "2 of 8 deviate", "as torch has it", "Linear(4, 3)", "lenet5", "vanished", "6<", "data.csv"):
        assert text in html, text
    assert "<b>detail</b>" not in html and "&lt;b&gt;detail" in html


def test_counts_and_bars():
    counts = made_session().counts(made_session().ops)
    assert counts == {"identical": 2, "equal within bound": 1, "better": 1, "worse": 1, "mismatch": 1, "known": 1}
    shares = [s["share"] for s in report.bar(counts)]
    assert sum(shares) == pytest.approx(100)
    session = made_session()
    assert session.failing() == ["lgamma", "conv2d"] and not session.ok
    assert [k[0] for k in session.kinds()] == ["values"]


def test_a_partial_run_renders(tmp_path):
    session = made_session()
    session.ops, session.programs = [], []
    assert "Linear(4, 3)" in report.write(session, tmp_path).read_text()
    session.modules = []
    session.ops = made_session().ops[:1]
    session.problems = []
    assert "Parity:" in report.write(session, tmp_path).read_text()


def browse(page, tmp_path, *flags, hash=""):
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
               "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}", "--hide-scrollbars", "--window-size=1200,2400", *flags, page.as_uri() + hash]
    return subprocess.run(command, capture_output=True, text=True, timeout=90)


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: the page is not looked at in a browser")
def test_in_a_browser(page, tmp_path):
    picture = tmp_path / "page.png"
    browse(page, tmp_path, f"--screenshot={picture}")
    from PIL import Image
    image = np.asarray(Image.open(picture).convert("RGB"))
    assert image.shape == (2400, 1200, 3)
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 300, "plots and text were drawn"
    assert image[5, 600].sum() < 200 and image[-300:].mean() > 150, "dark head, light body"


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: the page's script is not run")
def test_search_in_a_browser(page, tmp_path):
    everything = browse(page, tmp_path, "--dump-dom").stdout
    assert "6 of 6" in everything
    found = browse(page, tmp_path, "--dump-dom", hash="#conv").stdout
    assert "1 of 6" in found
    rows = dict(re.findall(r'<tr class="op" data-name="([\w.]+)"[^>]*?( hidden="")?>', found))
    assert rows["conv2d"] == "" and rows["add"] == ' hidden=""'
