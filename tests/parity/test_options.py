"""Options of the command line: before a command or after it, the same; and none is ignored."""

import pytest

from parity import options, tools
from parity.__main__ import arguments, main

PARTS = {"ops": [], "modules": [], "programs": [], "diverge": ["s"], "draws": ["s"], "trajectory": ["s"], "check": ["p"], "repro": ["exp"], "source": ["exp"], "explain": ["exp"]}
VALUES = {"processes": "3", "op_limit": "7.5", "program_limit": "9", "epochs": "2", "limit": "64", "shard": "1/2", "quick": None, "download": None}


def parsed(*words):
    parser = arguments(list(words))
    return vars(options.settle(parser, parser.parse_args(list(words))))


@pytest.mark.parametrize("part", ["ops", "programs", *tools.TOOLS])
def test_each_option_is_taken_in_both_places_or_refused(part, capsys):
    taken = parsed(part, *PARTS.get(part, ()))["takes"]
    for name, (flag, _) in options.SHARED.items():
        value = [flag] if VALUES.get(name, "x") is None else [flag, VALUES.get(name, "x")]
        if name in taken:
            before = parsed(*value, part, *PARTS.get(part, ()))
            assert before == parsed(part, *PARTS.get(part, ()), *value) and before[name] not in (None, options.DEFAULTS.get(name))
            continue
        with pytest.raises(SystemExit) as caught:
            main([*value, part, *PARTS.get(part, ())])
        assert caught.value.code == 2 and f"{flag} before {part}" in capsys.readouterr().err


def test_defaults():
    assert {n: v for n, v in parsed("ops").items() if n in options.DEFAULTS} == options.DEFAULTS
    assert parsed()["ours"] == "minitorch_ref" and parsed("repro", "exp")["note"] == ""


@pytest.mark.parametrize("words", [["--op-limit", "0"], ["--op-limit", "nan"], ["--epochs", "0"], ["--processes", "1.5"], ["--limit", "-1"]])
def test_numbers_that_are_none(words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2 and f"argument {words[0]}: " in capsys.readouterr().err
