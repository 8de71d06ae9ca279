"""Paired rounds, the comparison with an earlier run, and the command line."""

from __future__ import annotations

import copy
import gc
import json
import os
import random
import statistics
import subprocess
import sys
import time

import pytest
import torch

from benchmarks import __main__ as command
from benchmarks import compare, jobs, machine, report, timing, worker


def sleeper(seconds):
    return lambda: time.sleep(seconds)


def test_ratio_of_a_known_difference():
    runs = {"a": clockwork(lambda n: 0.006), "b": clockwork(lambda n: 0.002)}
    seconds, calls = timing.paired(runs, 5, enough=0.02)
    kept = timing.summary(seconds, "a")
    assert calls == 10 and kept["rounds"] == 5
    assert kept["ratios"]["b"]["median"] == pytest.approx(3)


def test_a_turn_takes_at_least_as_long_as_its_calls():
    seconds, _ = timing.paired({"a": sleeper(0.006)}, 5, enough=0.002)
    kept = timing.summary(seconds, "a")
    assert kept["seconds"]["a"]["median"] >= 0.006


def test_engines_alternate_and_change_places():
    order = []
    runs = {"a": lambda: order.append("a"), "b": lambda: order.append("b")}
    timing.paired(runs, 4, cold=True)
    assert "".join(order) == "abbaabba"


def test_slow_job_stops_early_but_not_too_early():
    seconds, _ = timing.paired({"a": sleeper(0.001)}, 50, cold=True, budget=0.0)
    assert len(seconds["a"]) == timing.FEWEST


def clockwork(seconds):
    """Turns whose times are made up."""

    class Made:
        def __init__(self):
            self.turns = []

        def turn(self, calls, cold):
            self.turns.append((calls, cold))
            return seconds(len(self.turns))

    return Made()


def test_rounds_end_when_the_median_is_known():
    steady = {"a": clockwork(lambda n: 0.01), "b": clockwork(lambda n: 0.02)}
    assert len(timing.paired(steady, 50)[0]["a"]) == timing.ENOUGH
    noise = random.Random(0)
    noisy = {"a": clockwork(lambda n: noise.uniform(0.01, 0.03)), "b": clockwork(lambda n: 0.02)}
    assert len(timing.paired(noisy, 50)[0]["a"]) == 50


def test_every_peer_has_to_be_steady():
    noise = random.Random(0)
    runs = {"a": clockwork(lambda n: 0.01), "b": clockwork(lambda n: 0.01),
            "c": clockwork(lambda n: noise.uniform(0.01, 0.03))}  # fmt: skip
    assert len(timing.paired(runs, 30)[0]["a"]) == 30


def test_standard_error_is_that_of_the_median():
    """Against the scatter of the medians of many draws."""
    draw = random.Random(0)
    draws = [[1 + draw.gauss(0, 0.05) for _ in range(25)] for _ in range(2000)]
    scatter = statistics.stdev(statistics.median(d) for d in draws)
    told = statistics.mean(timing.standard_error(d) for d in draws)
    assert told == pytest.approx(scatter, rel=0.1)


def test_long_calls_need_no_warm_up_and_short_ones_fill_a_turn():
    long, short = clockwork(lambda n: 2 * timing.LONG), clockwork(lambda n: 1e-5)
    timing.paired({"a": long}, 5)
    assert set(long.turns) == {(1, True)}
    timing.paired({"a": short}, 5)
    assert short.turns[-1] == (round(timing.TURN / 1e-5), False)


def test_turns_are_as_long_for_all_engines():
    fast, slow = clockwork(lambda n: 1e-5), clockwork(lambda n: 1e-4)
    timing.paired({"a": fast, "b": slow}, 5)
    assert fast.turns[-1] == slow.turns[-1] == (1000, False)


def test_collector_is_put_back_when_a_job_raises():
    def bad():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        timing.paired({"a": bad}, 2, cold=True)
    assert gc.isenabled()


def test_spread_is_median_and_quartiles():
    assert timing.spread([5.0, 1.0, 2.0, 4.0, 3.0]) == {"median": 3.0, "low": 2.0, "high": 4.0}
    assert timing.spread([7.0]) == {"median": 7.0, "low": 7.0, "high": 7.0}


def document(factor=1.0, noise=0.0, seed=0, peers=("torch",), disturbance=1.0):
    """A run: two jobs at 1 and 2 ms; `factor` slows our second one, `disturbance` everything."""
    draw = random.Random(seed)
    results = []
    for name, base, slow in (("matmul-1024", 1e-3, 1.0), ("lenet5-16", 2e-3, factor)):
        seconds = {
            "minitorch_ref": [
                base * slow * disturbance * (1 + draw.uniform(-noise, noise)) for _ in range(21)
            ]
        }
        for peer in peers:
            seconds[peer] = [base * disturbance * (1 + draw.uniform(-noise, noise)) for _ in range(21)]
        kept = timing.summary(seconds, "minitorch_ref")
        results.append({"job": name, "threads": 1, "calls": 3, **kept})
    return {
        "format": compare.FORMAT,
        "taken": "2026-01-01T00:00:00+00:00",
        "engine": "minitorch_ref",
        "peers": list(peers),
        "machine": {"processor": "test", "cores": 2, "system": "test", "versions": {}},
        "results": results,
    }


@pytest.mark.parametrize("peers", [("torch",), ()])
def test_planted_slowdown_is_found(peers):
    old = document(noise=0.1, peers=peers)
    new = document(factor=1.5, noise=0.1, seed=1, peers=peers)
    changes, both = compare.slower(old, new)
    assert both == 2
    assert [(c.job, c.unit) for c in changes] == [("lenet5-16", peers[0] if peers else "s")]
    assert 1.2 < changes[0].factor < 1.8


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_not_a_slowdown(seed):
    old, new = document(noise=0.2, seed=seed), document(noise=0.2, seed=seed + 100)
    assert compare.slower(old, new) == ([], 2)


def test_small_shift_within_the_margin_is_not_a_slowdown():
    assert compare.slower(document(), document(factor=1 + compare.MARGIN / 2))[0] == []


def test_busy_machine_is_not_a_slowdown_where_a_peer_was_timed():
    assert compare.slower(document(), document(disturbance=2))[0] == []
    assert len(compare.slower(document(peers=()), document(disturbance=2, peers=()))[0]) == 2


def test_jobs_of_one_run_only_and_other_thread_counts_are_not_compared():
    old, new = document(), document(factor=3)
    old["results"][1]["threads"] = 2
    assert compare.slower(old, new) == ([], 1)


def test_json_round_trip(tmp_path):
    saved = document(noise=0.1)
    compare.save(tmp_path / "deep" / "run.json", saved)
    assert compare.load(tmp_path / "deep" / "run.json") == saved


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99}', '"text"'])
def test_other_files_are_refused(tmp_path, text):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(compare.BadFileError, match="not a benchmark file"):
        compare.load(path)


@pytest.mark.parametrize("where, value", [
    (("machine",), 3), (("machine", "processor"), None), (("results",), {}), (("results", 0), "x"), (("results", 0, "job"), 3),
    (("results", 0, "threads"), "1"), (("results", 0, "ratios"), []), (("results", 0, "seconds", "torch", "median"), "fast"), (("results", 0, "seconds", "torch"), 1.0),
])
def test_a_changed_file_is_refused_before_anything_is_measured(tmp_path, where, value, capsys):
    saved, path = document(), tmp_path / "old.json"
    inner = saved
    for key in where[:-1]:
        inner = inner[key]
    if value is None:
        del inner[where[-1]]
    else:
        inner[where[-1]] = value
    compare.save(path, saved)
    with pytest.raises(SystemExit) as ended:
        command.main(["lenet5-16", "--compare", str(path), "--out", str(tmp_path / "out")])
    assert ended.value.code == 2 and str(path) in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_files_are_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "run.json"
    compare.save(path, document())
    before = path.read_bytes()
    with pytest.raises(TypeError):
        compare.save(path, {**document(), "results": [object()]})
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["run.json"]


def test_a_folder_that_cannot_be_written_is_a_usage_error(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    for words in (["--out", str(tmp_path / "file" / "out")], ["--out", str(tmp_path), "--json", str(tmp_path / "file" / "a.json")]):
        with pytest.raises(SystemExit) as ended:
            command.main(["lenet5-16", *words])
        assert ended.value.code == 2 and "file" in capsys.readouterr().err


def test_machine_names_the_libraries():
    told = machine.describe()
    assert told["processor"] and told["cores"] >= 1
    assert {"python", "numpy", "torch", "minitorch_ref"} <= set(told["versions"])
    assert told["vectors"]["torch"] == torch.backends.cpu.get_cpu_capability()
    assert told["vectors"]["numpy"] and "openblas" in told["vectors"]
    json.dumps(told)


def test_vectors_are_those_the_environment_leaves(monkeypatch):
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "default")
    assert machine.vectors()["torch"] == "DEFAULT"


@pytest.mark.parametrize(
    ("seconds", "text"), [(2.5, "2.5 s"), (0.0123, "12.3 ms"), (4.56e-6, "4.56 µs"), (3e-9, "3 ns")]
)
def test_durations(seconds, text):
    assert report.duration(seconds) == text


@pytest.mark.parametrize("threads", [1, 2])
def test_chart_is_a_picture(tmp_path, threads):
    run = document(factor=3, noise=0.1)
    if threads == 2:
        for result in copy.deepcopy(run["results"]):
            run["results"].append({**result, "threads": 2})
    report.chart(run, tmp_path / "ratios.png")
    assert (tmp_path / "ratios.png").read_bytes().startswith(b"\x89PNG")


def test_worker_pins_its_threads(monkeypatch):
    """What BLAS reads is set in the environment of the processes, whatever ours says."""
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    seen = worker.environment(2)
    assert {seen[name] for name in worker.POOLS} == {"2"}
    assert os.environ["OMP_NUM_THREADS"] == "7"


def test_processes_get_that_environment(monkeypatch):
    """A server that tells its environment by its times."""
    tell = """if True:
        import os
        for line in iter(input, "end"):
            print("turns:", os.environ["OMP_NUM_THREADS"] if line else "ended")
    """
    worker.close()
    start = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda c, **k: start([sys.executable, "-uc", tell], **k))
    kept = worker.measure("tiny-add", 2, ["minitorch_ref"], 2)
    worker.close()
    assert kept["seconds"]["minitorch_ref"]["median"] == 2.0


def test_worker_process_measures():
    result = worker.measure("tiny-forward", 1, ["minitorch_ref"], 2)
    assert result["job"] == "tiny-forward" and result["rounds"] == 2 and result["ratios"] == {}
    assert 1e-7 < result["seconds"]["minitorch_ref"]["median"] < 1e-2


def test_worker_that_dies_says_why():
    with pytest.raises(worker.JobFailedError, match="no_such_engine"):
        worker.measure("tiny-forward", 1, ["no_such_engine"], 1)


@pytest.fixture
def no_workers(monkeypatch):
    """The command line with made-up measurements: lenet5-16 takes `factor[0]` times as long."""
    factor = [1.0]

    def measure(job, threads, engines, rounds, clock):
        if job == "import":
            raise worker.JobFailedError("import: it broke")
        found = document(factor[0], noise=0.1, peers=tuple(engines[1:]))["results"]
        return {**found[job == "lenet5-16"], "job": job, "threads": threads}

    def process(module, arguments, threads, what):
        return {"multiply_adds": 1e10 * threads, "bytes": 1e10} if module == "roofline" else 1 << 20

    monkeypatch.setattr(worker, "measure", measure)
    monkeypatch.setattr(worker, "process", process)
    return factor


def test_command_line_compares_with_an_earlier_run(tmp_path, no_workers, capsys):
    out, old = str(tmp_path / "out"), str(tmp_path / "old.json")
    chosen = ["lenet5-16", "matmul-1024", "--out", out]
    assert command.main([*chosen, "--json", old]) == 0
    assert compare.load(tmp_path / "old.json") == compare.load(tmp_path / "out" / "benchmarks.json")
    assert (tmp_path / "out" / "ratios.png").exists()
    assert command.main([*chosen, "--compare", old]) == 0
    assert "nothing got slower" in capsys.readouterr().out
    no_workers[0] = 2.0
    assert command.main([*chosen, "--compare", old]) == 1
    told = capsys.readouterr().out
    assert "slower: lenet5-16" in told and "slower: matmul" not in told


def test_old_file_may_be_written_over(tmp_path, no_workers):
    """--json and --compare of one name: compared with what the file held before."""
    path = str(tmp_path / "run.json")
    arguments = ["lenet5-16", "--out", str(tmp_path), "--json", path]
    assert command.main(arguments) == 0
    no_workers[0] = 2.0
    assert command.main([*arguments, "--compare", path]) == 1


def test_failed_job_is_told_and_the_others_still_count(tmp_path, no_workers, capsys):
    assert command.main(["import", "matmul", "--out", str(tmp_path)]) == 1
    assert "failed: import: it broke" in capsys.readouterr().err
    assert len(compare.load(tmp_path / "benchmarks.json")["results"]) == 2


def test_peer_that_is_not_installed_is_left_out_by_name(tmp_path, no_workers, capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert command.main(["matmul", "--out", str(tmp_path)]) == 0
    assert "left out, not installed: torch" in capsys.readouterr().err
    assert compare.load(tmp_path / "benchmarks.json")["peers"] == []
    assert not (tmp_path / "ratios.png").exists()


def test_each_thread_count_is_a_run(tmp_path, no_workers):
    assert command.main(["matmul", "--threads", "1", "2", "2", "--out", str(tmp_path)]) == 0
    results = compare.load(tmp_path / "benchmarks.json")["results"]
    assert [(r["job"], r["threads"]) for r in results] == [
        ("matmul-1024", 1), ("matmul-1024", 2), ("matmul-batched", 1), ("matmul-batched", 2),
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "unknown job 'nonsense'"),
        (["--threads", "0"], "at least 1"),
        (["--rounds", "x"], "invalid"),
        (["--peers", "tensorflow"], "invalid choice"),
        (["--clock", "processor", "--threads", "1", "2"], "only with one thread"),
        (["--compare", "no-such-file.json"], "no-such-file.json"),
    ],
)
def test_bad_arguments_exit_2(arguments, words, capsys):
    with pytest.raises(SystemExit) as raised:
        command.main(arguments)
    assert raised.value.code == 2
    assert words in capsys.readouterr().err


def test_module_runs_from_the_shell():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "nonsense"],
        capture_output=True, text=True, cwd=worker.ROOT, check=False,
        timeout=200,
    )
    assert done.returncode == 2 and all(name in done.stderr for name in jobs.JOBS)


def test_several_threads_are_warmed_up_for_a_while():
    calls = []

    def run():
        calls.append(time.perf_counter())
        time.sleep(0.002)

    seconds = timing.turn(run, 2, warm=0.02)
    assert calls[-2] - calls[0] >= 0.02  # the timed ones are the last two
    assert 0.002 <= seconds < 0.02
    calls.clear()
    timing.turn(run, 2)
    assert len(calls) == 3
    calls.clear()
    timing.turn(run, 2, cold=True, warm=1.0)
    assert len(calls) == 2
