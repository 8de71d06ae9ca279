"""Cases of creation and random ops, and of the methods that convert, describe and write tensors."""

from __future__ import annotations

from .spec import ALL, BOOL, COMPLEX, FLOATS, HALF, REAL, Arr, D, F, Gen, I, L, Raw, Row, Sym, X
from .spec import call, forward, row, table

DTYPES = [call(2, 3, dtype=D(d)) for d in ALL]
SIZES = [call(3), call(2, 3), call((2, 3)), call([0, 2]), call(()), call(2, 3, requires_grad=True), call(3, device="cpu"), call(3, layout=Sym("strided"))]
BAD_SIZES = [call(-1), call(2.5), call("a"), call(3, dtype="float32"), call(3, device="cuda:99", note="no such device"), call(2, requires_grad=True, dtype=D("int64"))]
LIKE = [call(X(3, 4)), call(X(3, 4), dtype=D("float64")), call(X(3, 4), dtype=D("int64")), call(X()), call(X(0, 3))]
ARANGE = [call(5), call(1, 5), call(1, 5, 2), call(5, 1, -1), call(0.5, 3), call(0, 1, 0.25), call(end=4), call(start=1, end=3, step=0.5), call(5, dtype=D("float16")),
          call(1, 7, 3, dtype=D("float64")), call(0), call(3, 3)]

CREATION = [
    *(row(n, *SIZES, *DTYPES, bad=BAD_SIZES, grad=False) for n in ("zeros", "ones")),
    row("full", call((2, 3), 5), call((2, 3), 0.5), call((2,), True), call((), 2), call((2,), 1j), *(call((2,), 1, dtype=D(d)) for d in ALL), bad=[call((2,)), call((-1,), 0), call(2, "a")], grad=False),
    *(row(n, *LIKE, grad=False, special=False) for n in ("zeros_like", "ones_like")),
    row("full_like", call(X(3, 4), 2), call(X(3, 4), 0.5, dtype=D("float64")), call(X(), 1), bad=[call(X(3))], grad=False),
    row("arange", *ARANGE, bad=[call(0, 5, 0), call(5, 1), call(0, 5, -1), call(), call("a")], grad=False),
    row("range", call(1, 4), call(0, 1, 0.25), grad=False),
    row("linspace", call(0, 1, 5), call(-2, 2, 1), call(0, 1, 0), call(3, 10, steps=8), call(0, 10, 33), call(0, 1, 5, dtype=D("float64")), call(0, 10, 4, dtype=D("int64")),
        call(0, 1, 7, dtype=D("float16")), bad=[call(0, 1, -1), call(0, 1)], grad=False, level="ulp"),
    row("logspace", call(0, 1, 5), call(-2, 2, 3, base=2), call(0, 1, 4, dtype=D("float64")), call(0, 1, 1), bad=[call(0, 1, -1)], grad=False, level="ulp"),
    row("eye", call(3), call(2, 3), call(3, 2, dtype=D("int64")), call(0), call(2, dtype=D("bool")), call(2, requires_grad=True), bad=[call(-1), call(2, -1)], grad=False),
    row("tensor", call(3), call(2.5), call(True), call(1j), call([1, 2]), call([[1.0, 2], [3, 4]]), call([]), call([[], []]), call([True, 2]), call([1, 2.5]), call([1, 1j]),
        *(call([0, 1, 2], dtype=D(d)) for d in ALL), call(X(3, grad=False)), call([1.0], requires_grad=True), call(((1, 2), (3, 4))), call(2**40),
        bad=[call([[1], [1, 2]]), call("a"), call([1, "a"]), call(2**70), call(None), call([300], dtype=D("uint8"))], grad=False),
    row("as_tensor", call([1, 2]), call(X(3)), call(X(3), dtype=D("float64")), call(2.5), bad=[call("a")]),
    row("asarray", call([1, 2]), call(X(3)), call(X(3), dtype=D("float64"), copy=True)),
    row("scalar_tensor", call(2), call(2.5, dtype=D("float64")), grad=False),
    row("empty", call(2, 3), call((0,)), call(2, dtype=D("int64")), bad=[call(-1)], grad=False, level="shape"),
    row("empty_like", *LIKE, grad=False, level="shape", special=False), row("empty_strided", call((2, 3), (1, 2)), bad=[call((2,), (1, 1))], grad=False, level="shape"),
    *(row(n, call(X(3), (2, 2)), call(X(3), 2, 2), call(X(3), (2,), dtype=D("float64")), bad=[call(X(3), (-1,))], grad=False) for n in ("new_zeros", "new_ones")),
    row("new_full", call(X(3), (2, 2), 2), call(X(3), (2,), 0.5, dtype=D("float64")), grad=False), row("new_empty", call(X(3), (2, 2)), grad=False, level="shape"),
    row("new_tensor", call(X(3), [1, 2]), call(X(3), 2.5, dtype=D("float64")), bad=[call(X(3), "a")], grad=False),
    row("bartlett_window", call(5), call(5, False), call(1), call(0), call(6, dtype=D("float64")), bad=[call(-1)], level="ulp", grad=False),
    *(row(n, call(5), call(5, False), call(1), call(0), call(6, dtype=D("float64")), bad=[call(-1)], level="ulp", grad=False, depth=8) for n in ("blackman_window", "hamming_window", "hann_window")),
    row("kaiser_window", call(5), call(5, False, 8.0), call(1), level="ulp", grad=False),
]

BIG = (33,)
RANDOM_DTYPES = FLOATS + HALF


def random(name: str, *calls: object, level: str = "exact", **options: object) -> Row:
    return row(name, *calls, random=True, level=level, layouts=False, special=False, **{"grad": False, **options})


RANDOM = [
    random("rand", call(5), call(2, 3), call(()), call(0), *(call(17, dtype=D(d)) for d in RANDOM_DTYPES), call(5, generator=Gen(3)), bad=[call(-1), call(2, dtype=D("int64"))]),
    random("randn", call(5), call(2, 3), call(()), call(0), *(call(n, dtype=D(d)) for d in FLOATS for n in (15, 16, 17, 100)), call(20, generator=Gen(3)), bad=[call(-1), call(2, dtype=D("int64"))], level="ulp"),
    random("randint", call(5, (4,)), call(2, 9, (2, 3)), call(0, 2**30, (5,)), call(0, 2**40, (5,)), call(-7, 3, (20,), dtype=D("int32")), call(3, (2,), dtype=D("float32")), call(9, (4,), generator=Gen(3)),
           bad=[call(5, 5, (2,)), call(0, 300, (2,), dtype=D("uint8")), call(3)]),
    random("randperm", call(7), call(1), call(0), call(100), call(7, dtype=D("int32")), call(9, generator=Gen(3)), call(5, dtype=D("float32")), bad=[call(-1), call(300, dtype=D("uint8"))]),
    random("normal", call(0.0, 1.0, (20,)), call(F(5), 2.0), call(0.5, F(20, domain="positive")), call(F(3, 4), F(3, 4, domain="positive")), call(F(20), F(20, domain="positive")), bad=[call(0.0, -1.0, (3,)), call(F(3), F(4, domain="positive"))], level="sum"),
    random("bernoulli", call(X(40, domain="prob")), call(X(40, domain="prob"), 0.25), call(X()), bad=[call(L([1.5, 2.0])), call(L([-1.0]))], dtypes=FLOATS),
    random("multinomial", call(X(6, domain="prob"), 4), call(X(2, 5, domain="prob"), 3), call(X(6, domain="prob"), 20, replacement=True), bad=[call(X(3, domain="prob"), 4), call(L([-1.0, 1.0]), 1), call(L([0.0, 0.0]), 1)], dtypes=FLOATS),
    random("poisson", call(X(40, domain=(0.5, 20.0))), dtypes=FLOATS), random("rand_like", call(X(3, 4)), call(X(17), dtype=D("float64")), bad=[call(I(3))], dtypes=FLOATS),
    random("randn_like", call(X(3, 4)), call(X(17), dtype=D("float64")), bad=[call(I(3))], dtypes=FLOATS, level="ulp"),
    random("randint_like", call(X(3, 4), 9), call(X(3, 4), 2, 9), call(I(3, 4), 5), dtypes=REAL),
    random("uniform_", call(X(20)), call(X(20), -1.0, 2.0), bad=[call(X(3), 2.0, 1.0), call(I(3))], dtypes=FLOATS),
    random("normal_", call(X(20)), call(X(5), 1.0, 2.0), bad=[call(X(3), 0.0, -1.0), call(I(3))], dtypes=FLOATS, level="sum"),
    random("random_", call(X(20)), call(X(20), 7), call(X(20), -3, 9), bad=[call(X(3), 5, 5)], dtypes=FLOATS + ("int64", "int32", "uint8", "bool"), few=("int64",)),
    random("bernoulli_", call(X(20)), call(X(20), 0.25), call(X(20), F(20, domain="prob")), bad=[call(X(3), 1.5)], dtypes=REAL),
    random("exponential_", call(X(20)), call(X(20), 2.0), bad=[call(X(3), 0.0)], dtypes=FLOATS, level="ulp"), random("geometric_", call(X(20), 0.25), bad=[call(X(3), 1.5)], dtypes=FLOATS),
    random("cauchy_", call(X(20)), dtypes=FLOATS, level="ulp"), random("log_normal_", call(X(20)), dtypes=FLOATS, level="sum"),
]

CASTS = ["float", "double", "half", "int", "long", "short", "char", "byte", "bool", "cfloat", "cdouble"]
SAFE = (0.0, 3.0)                               # C leaves casts of out-of-range numbers open
METHODS = [
    *(row(n, call(X(3, 4, domain=SAFE)), call(X(domain=SAFE)), call(X(0, 3)), special=False) for n in CASTS),
    row("to", *(call(X(3, domain=SAFE), D(d)) for d in ALL), call(X(3), "cpu"), call(X(3), "cpu", D("float64")), call(X(3), F(2, dtype="float64")), call(X(3), dtype=D("float64"), copy=True), call(X(3), D("float32"), copy=True),
        bad=[call(X(3), "abc"), call(X(3), "float32")], special=False),
    row("type", call(X(3)), call(X(3), D("float64")), call(X(3), "torch.DoubleTensor"), bad=[call(X(3), "abc")], special=False), row("type_as", call(X(3), F(2, dtype="float64")), call(X(3, domain=SAFE), I(2)), special=False),
    row("item", call(X()), call(X(1)), call(X(1, 1)), bad=[call(X(2)), call(X(0))], grad=False), row("tolist", call(X(2, 3)), call(X()), call(X(0, 2)), grad=False),
    row("numpy", call(X(2, 3, grad=False)), call(X(grad=False)), grad=False, special=False), row("__array__", call(X(2, 3)), bad=[call(X(2), "abc")], grad=False, special=False), row("numel", call(X(2, 3)), call(X()), call(X(0, 2)), grad=False),
    *(row(n, call(X(2, 3)), call(X()), grad=False, special=False) for n in ("dim", "ndimension", "nelement", "element_size", "is_contiguous", "is_floating_point", "is_complex", "is_signed", "storage_offset", "ndim", "itemsize", "nbytes", "is_leaf", "requires_grad", "shape", "is_conj", "is_neg", "is_inference")),
    *(row(n, call(X(2, 3)), grad=False, special=False, form="method") for n in ("dtype", "device", "layout")),
    row("size", call(X(2, 3)), call(X(2, 3), 1), call(X(2, 3), -1), bad=[call(X(2, 3), 2)], grad=False, special=False), row("stride", call(X(2, 3)), call(X(2, 3), 1), bad=[call(X(2, 3), 2)], grad=False, special=False),
    row("is_nonzero", call(X()), call(X(1)), bad=[call(X(2)), call(X(0))], grad=False), row("is_tensor", call(X(2)), call(3), call([1]), grad=False),
    row("__bool__", call(X()), call(X(1)), bad=[call(X(2)), call(X(0))], grad=False), row("__len__", call(X(3, 2)), bad=[call(X())], grad=False), row("__int__", call(X(domain=SAFE)), bad=[call(X(2))], grad=False, dtypes=REAL + BOOL),
    row("__float__", call(X()), bad=[call(X(2))], grad=False, dtypes=REAL + BOOL), row("__contains__", call(X(3, domain="ties"), 1), grad=False), row("__index__", call(I()), bad=[call(F()), call(I(2))], grad=False, layouts=False),
    row("__complex__", call(X()), grad=False), row("is_same_size", call(X(2, 3), X(2, 3)), call(X(2), X(3)), grad=False), row("sum_to_size", call(X(3, 4), (3, 1)), call(X(3, 4), 4), bad=[call(X(3, 4), (2, 4))], level="sum"),
    row("zero_", call(X(3, 4)), grad=False, special=False), row("fill_", call(X(3, 4), 2), call(X(3, 4), X()), call(X(3), 0.5), bad=[call(X(3), X(2)), call(X(3), "a")], grad=False, special=False),
    row("copy_", call(X(3, 4), X(3, 4)), call(X(3, 4), X(4)), call(X(3, 4, domain=SAFE), F(3, 4, dtype="float64", domain=SAFE)), bad=[call(X(3), X(4)), call(X(4), X(3, 4))], grad=False, special=False),
    row("fill_diagonal_", call(X(3, 4), 2), call(X(5, 2), 2, wrap=True), bad=[call(X(3), 1)], grad=False, special=False), row("requires_grad_", call(X(3)), dtypes=FLOATS, grad=False), row("cpu", call(X(3))),
    row("resize_", call(X(3, 4, grad=False), 12), call(X(4), 2, 2), grad=False, special=False, layouts=False), row("t_", call(X(3, 4)), grad=False), row("transpose_", call(X(3, 4), 0, 1), grad=False), row("squeeze_", call(X(1, 3)), grad=False),
    row("unsqueeze_", call(X(3), 0), grad=False), row("data_ptr", call(F(0)), grad=False, layouts=False),
    *(row(n, *(call(D(x), D(y)) for x in ALL for y in ALL), grad=False) for n in ("promote_types", "can_cast")),
    row("result_type", call(X(3), X(3)), *(forward(call(Arr((2,), a), Arr((), b))) for a in ALL for b in ALL if a != "float16" or not b.startswith("complex")), call(X(3), 2), call(2, 1.5), call(I(3), 0.5), call(2, X()), grad=False, special=False),
    row("from_numpy", call(Raw(X(2, 3))), call(Raw(X())), call(Raw(X(0, 3))), bad=[call([1, 2]), call(X(2))], grad=False, special=False),
    row("from_dlpack", call(X(2, 3, grad=False)), call(X(grad=False)), bad=[call(3)], grad=False, special=False, dtypes=REAL + COMPLEX),
    row("frombuffer", call(Raw(F(4)), dtype=D("float32")), call(Raw(F(4)), dtype=D("int32"), offset=4, count=2), bad=[call(Raw(F(4)), dtype=D("float32"), offset=99)], grad=False),
    row("detach_", call(X(3, grad=False)), grad=False, special=False), row("is_set_to", call(X(3), X(3)), grad=False, special=False, layouts=False), row("is_storage", call(X(3)), call(3), grad=False),
    row("new", call(X(3), 2, 3), call(X(3)), grad=False, level="shape", special=False), row("new_empty_strided", call(X(3), (2, 3), (1, 2)), grad=False, level="shape", special=False), row("empty_permuted", call((2, 3), (1, 0)), call((2, 3, 4), (2, 0, 1)), bad=[call((2, 3), (0, 0))], grad=False, level="shape"),
    row("bfloat16", call(X(3, 4)), grad=False, special=False, layouts=False),
    row("broadcast_shapes", call((2, 1), (3,)), call((), (2,)), bad=[call((2,), (3,))], grad=False), row("get_default_dtype", call(), grad=False),
]

ROWS = table("creation", CREATION + RANDOM + METHODS)
