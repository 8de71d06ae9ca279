"""The three programs, each written once against the torch namespace it is handed.

`sigmoid_gd` (a line between points), `admissions` (a 1-layer network), `lenet5` (CIFAR-10).
`run(torch, config)` gives what happened as data; `python -m minitorch_ref.programs.NAME` shows it.
"""
