"""Benchmarks: the engine's hot loops, timed beside torch in alternating turns.

A job (`jobs`) is written once, against the torch namespace it is handed, so both engines run the
same lines.  Each job gets a process of its own (`worker`), below which each engine has one
(`turns`); they take turns (`timing`).  `roofline` knows what the machine could do at best, `memory` and
`scaling` measure what their names say, `report` shows what came out and `compare` holds it against an
earlier run.

    python -m benchmarks                       every job, one thread, beside torch
    python -m benchmarks lenet5 --threads 1 2  the jobs whose name starts with lenet5
    python -m benchmarks --json new.json --compare old.json
"""
