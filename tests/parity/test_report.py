"""The page: complete in itself, and working in a real browser."""

import functools
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from parity import atlas, atlas_page, report, session
from parity.engines import open_engine
from parity.formulas import ALIASES, FORMULAS, formula
from parity.ledger import Entry, Problem
from parity.outcome import Check, OpResult, SampleResult, Verdict
from parity.programs import Trace, judge
from parity.progress import changes
from parity.report_sources import Sources, derivatives
from parity.session import Session

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@functools.cache
def records():
    """A small atlas of two functions, one with two arguments."""
    torch = open_engine("torch")
    depth = atlas.Depth(100, 256, 20)
    return [r for n in ("exp", "hypot") for r in atlas.survey(open_engine("minitorch_ref"), torch, n, ("float32",), depth)]


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
    session.atlas = records()
    entry = Entry("sinc", "out", "as torch has it", "ours 4 ULP")
    session.entries, session.problems = [entry], [Problem("vanished", entry, "sinc out: gone")]
    return session


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return report.write(made_session(), tmp_path_factory.mktemp("report"))


def test_it_needs_nothing_from_elsewhere(page):
    html = page.read_text()
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', html) and "url(" not in html and "@import" not in html
    assert html.count("data:image/png;base64,") == 2


def test_it_says_what_was_found(page):
    html = page.read_text()
    for text in ("lgamma", "2 of 8 deviate", "as torch has it", "Linear(4, 3)", "lenet5", "vanished", "6<", "data.csv"):
        assert text in html, text
    assert "<b>detail</b>" not in html and "&lt;b&gt;detail" in html


def test_the_first_screen_says_what_is_new(tmp_path):
    session = made_session()
    before = {"failing": ["tan"], "started": "yesterday", "ops": [{"op": r.op, "ulp_ours": r.worst("ours")} for r in session.ops]}
    head = report.write(session, tmp_path, before).read_text().partition("</header>")[0]
    assert re.search(r"<b>2</b> deviate now: .*conv2d.*lgamma", head) and re.search(r"<b>1</b> deviate no more: .*tan", head)
    same = {**before, "failing": session.failing()}
    head = report.write(session, tmp_path, same).read_text().partition("</header>")[0]
    assert "Nothing is new since the stored run of yesterday" in head
    assert "There is no earlier run" in report.write(session, tmp_path).read_text()


def test_an_op_shows_its_formula_and_its_nearest_check(page):
    html = page.read_text()
    assert '<p class="formula">eˣ</p>' in html and "tan(input: Tensor" in html
    checks = [{"ours": ours, "bound": bound, "known": "", "verdict": "equal within bound"} for ours, bound in ((1.0, 4.0), (3.0, 4.0), (None, None))]
    sample = {"verdict": "equal within bound", "checks": checks}
    report.shorter(sample)
    assert [c["ours"] for c in sample["checks"]] == [3.0] and sample["others"] == 2
    better = {"verdict": "better", "checks": [*checks, {"ours": 0.5, "bound": 4.0, "known": "", "verdict": "better"}]}
    report.shorter(better)
    assert [c["ours"] for c in better["checks"]] == [0.5] and better["others"] == 3, "the one that its verdict is from"
    failing = {"verdict": "worse", "checks": sample["checks"] * 3}
    report.shorter(failing)
    assert len(failing["checks"]) == 3


def test_of_an_ops_samples_what_fails_comes_first_then_what_is_known():
    def sample(note, verdict, known=""):
        return SampleResult(note, note, "call", "float32", [Check(verdict, "out", known=known)])

    made = [sample("equal", Verdict.EQUAL), sample("known", Verdict.WORSE, "as torch has it"), sample("better", Verdict.BETTER), sample("worse", Verdict.WORSE)]
    found = session._op(OpResult("torch", "exp", "f", "ulp", made), 3)
    assert [s["text"] for s in found["notable"]] == ["worse", "known", "better"]


def test_formulas_are_of_ops_that_exist():
    import torch
    spaces = (torch, torch.nn.functional, torch.special, torch.linalg, torch.fft, torch.Tensor)
    strangers = [n for n in (*FORMULAS, *ALIASES) if not any(hasattr(s, n) for s in spaces)]
    assert not strangers and set(ALIASES.values()) <= FORMULAS.keys() and not FORMULAS.keys() & ALIASES.keys()
    assert formula("special.gammainc") == FORMULAS["igamma"] and formula("add_") == FORMULAS["add"] and formula("no_such") == ""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: the page is not looked at in a browser")
def test_light_and_dark(page, tmp_path, scheme):
    from PIL import Image
    picture = tmp_path / "page.png"
    flags = ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    browse(page, tmp_path, f"--screenshot={picture}", *flags)
    image = np.asarray(Image.open(picture).convert("L"), float)
    assert (image[700:].mean() < 90) == (scheme == "dark") and image[700:].std() > 10


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
               "--disable-sync", "--disable-quic", "--no-first-run", f"--user-data-dir={tmp_path / 'profile'}", "--hide-scrollbars", "--window-size=1200,2400", *flags, page.as_uri() + hash]
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


def test_what_is_new_since_the_stored_run():
    session = made_session()
    before = {"failing": ["lgamma", "tan", "elsewhere"], "ops": [{"op": "exp", "ulp_ours": 0.5}, {"op": "lgamma", "ulp_ours": 40.0}, {"op": "tan", "ulp_ours": 3.0}]}
    new = dict(changes(session, before))
    assert new["deviate now"] == ["conv2d"] and new["deviate no more"] == ["tan"]
    assert new["new ops"] == ["add", "conv2d", "sinc"]
    assert new["error grew, in ULP"] == ["exp 0.5 → 1.5"] and new["error shrank, in ULP"] == ["tan 3 → 1"]


@pytest.mark.parametrize("namespace, name, file, text", [
    ("torch", "exp", "ops/pointwise.py", 'exp = unary("exp", np.exp, lambda g, out'), ("torch", "arccos", "ops/pointwise.py", 'acos = unary("acos"'),
    ("torch", "cumsum", "ops/scan.py", "def cumsum(input: Tensor, dim: int"), ("nn.functional", "conv2d", "nn/functional/conv.py", "def conv2d("),
])
def test_an_op_is_shown_with_its_source(namespace, name, file, text):
    facts = Sources("minitorch_ref").of(namespace, name)
    place, _, line = facts["source"]["place"].partition(":")
    assert place.endswith(file) and text in facts["source"]["text"] and facts["call"].startswith(name if name != "arccos" else "arccos")
    here = Path(report.__file__).parents[1] / place
    assert here.read_text().splitlines()[int(line) - 1].strip() == facts["source"]["text"].splitlines()[0].strip()


def test_a_function_that_hands_on_is_shown_with_the_one_behind_it():
    text = Sources("minitorch_ref").of("nn.functional", "conv2d")["source"]["text"]
    assert text.index("return _conv(") < text.index("def _conv(")
    from parity import report_sources
    unknown = [name for name in report_sources.MADE_OF.values() if derivatives() and name not in derivatives()]
    assert not unknown


def test_torchs_gradient_stands_beside_ours():
    if not derivatives():
        pytest.skip("the installed torch has no derivatives.yaml")
    assert "grad * result" in Sources("minitorch_ref").of("torch", "exp")["derivative"]
    assert "convolution_backward" in Sources("minitorch_ref").of("nn.functional", "conv2d")["derivative"], "what it is made of"
    assert Sources("torch").of("torch", "no_such_op") == {"call": "", "doc": "", "source": None, "derivative": ""}


def listening(page, folder):
    """A copy of the page that writes script errors into its root element."""
    copy = folder / "listening.html"
    script = "<script>window.onerror = (m, s, l) => { document.documentElement.dataset.failed = m + ' at ' + l; };</script>"
    copy.write_text(page.read_text().replace("<head>", "<head>" + script, 1))
    return copy


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: the page's script is not run")
def test_an_op_opens_with_source_and_atlas_and_no_script_fails(page, tmp_path):
    found = browse(listening(page, tmp_path), tmp_path, "--dump-dom", hash="#exp").stdout
    assert "1 of 6" in found and "data-failed" not in found
    (drawn,) = re.findall(r'<div class="atlas" data-atlas="exp">(.*?)<h4>samples', found, re.S)
    assert drawn.count("<svg") >= 4 and "whole line" in drawn and "positive → inf" in drawn and "our worst at" in drawn
    assert '<b class="k">lambda</b>' in found
    broken = tmp_path / "broken.html"
    broken.write_text(listening(page, tmp_path).read_text().replace("const rows =", "const rows = nothing.at.all,", 1))
    assert "data-failed" in browse(broken, tmp_path, "--dump-dom").stdout, "the test sees errors"


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: the atlas is not looked at in a browser")
def test_the_atlas_in_a_browser(tmp_path):
    data = {"ours": "ours", "theirs": "torch", "build": {"numpy": "2"}, "seconds": 1.0, "records": records()}
    page = atlas_page.write(data, tmp_path)
    assert not re.findall(r'(?:src|href)="(?!data:)[^"]*"', page.read_text())
    everything = browse(listening(page, tmp_path), tmp_path, "--dump-dom").stdout
    assert "2 of 2" in everything and "data-failed" not in everything and everything.count("<figcaption>torch") == 2, "hypot's cells"
    found = browse(listening(page, tmp_path), tmp_path, "--dump-dom", hash="#hyp").stdout
    assert "1 of 2" in found and 'data-name="exp" hidden' in found
