"""Comparing exceptions: the type must be torch's, the text must carry torch's key phrase.

The key phrase is found, not listed: of the first line of torch's message, our message must hold the
longest common run of words (four words, or the whole message if it is shorter) and every fact that
torch names: shapes, sizes, indices, dtypes in single quotes.  Messages of torch's argument parser
("received an invalid combination of arguments", "must be Tensor, not str") list C++ signatures and
are compared by type alone.
"""

from __future__ import annotations

import re

RUN = 4  # words in common that make a key phrase

_PARSER = re.compile(
    r"invalid combination of arguments|argument '\w+'( \(position \d+\))? must be"
    r"|missing \d+ required positional|unexpected keyword argument|takes \d+ positional"
    r"|multiple values for|takes from \d+ to \d+ positional"
    r"|must be Tensor|expected Tensor as|must be tuple of"
)
_FACT = re.compile(
    r"'(?:Bool|Byte|Char|Short|Int|Long|Half|Float|Double|ComplexFloat|ComplexDouble)'"
    r"|(?<![\w.])-?\d+(?![\w.]*\d)(?!\w)|(?<=\D)\d+x\d+"
)


def words(text: str) -> list[str]:
    """Lower-case words and numbers of the first line."""
    return re.findall(r"[a-z_]+|\d+", text.split("\n")[0].lower())


def common_run(a: list[str], b: list[str]) -> int:
    """Length of the longest run of consecutive words that both lists hold."""
    best, row = 0, [0] * (len(b) + 1)
    for word in a:
        new = [0] * (len(b) + 1)
        for j, other in enumerate(b):
            if word == other:
                new[j + 1] = row[j] + 1
                best = max(best, new[j + 1])
        row = new
    return best


def facts(text: str) -> set[str]:
    """Numbers and quoted dtypes that the first line names."""
    return set(_FACT.findall(text.split("\n")[0]))


def difference(ours: tuple[str, str], theirs: tuple[str, str]) -> str:
    """Why our (type, message) is not torch's; empty when it is."""
    if ours[0] != theirs[0]:
        return f"torch raises {theirs[0]}: {short(theirs[1])}; ours {ours[0]}: {short(ours[1])}"
    if _PARSER.search(theirs[1]) or not theirs[1].strip():
        return ""
    wanted = words(theirs[1])
    need = min(RUN, len(wanted))
    missing = facts(theirs[1]) - facts(ours[1])
    if common_run(wanted, words(ours[1])) < need or missing:
        what = f" (missing {sorted(missing)})" if missing else ""
        return f"torch's message: {short(theirs[1])}; ours: {short(ours[1])}{what}"
    return ""


def short(text: str) -> str:
    line = text.split("\n")[0]
    return line if len(line) <= 160 else line[:157] + "…"
