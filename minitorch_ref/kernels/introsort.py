"""Which of several equal elements torch names in `mode`, `median`, `topk` and `kthvalue`.

torch calls `std::sort`, `std::nth_element` and `std::partial_sort`, which are not stable, and a
quickselect of its own; so an index it returns depends on the steps these take.  Here are the same
steps, on a list of keys and the list of their places.
(source: GCC libstdc++, bits/stl_algo.h and bits/stl_heap.h; torch, SortingUtils.h and TopKImpl.h)
"""

from __future__ import annotations

from typing import Any

Pairs = list[tuple[Any, int]]  # (key, place), compared by key alone

_SHORT = 16  # std::sort leaves runs this short to a final insertion sort


def sorted_places(keys: list[Any]) -> list[int]:
    """The places of the elements in the order in which `std::sort` leaves them."""
    a = [(k, i) for i, k in enumerate(keys)]
    _sort(a, len(a))
    return [place for _, place in a]


def nth_places(keys: list[Any], nth: int) -> list[int]:
    """The places in the order in which `std::nth_element` leaves them: the nth stands right."""
    a = [(k, i) for i, k in enumerate(keys)]
    _nth_element(a, nth)
    return [place for _, place in a]


def top_places(keys: list[Any], k: int, in_order: bool) -> list[int]:
    """The places of the `k` smallest keys, in the order that torch's topk gives them."""
    a = [(key, i) for i, key in enumerate(keys)]
    if k * 64 <= len(a):
        _heap_select(a, 0, k, len(a))
        _sort_heap(a, 0, k)
    elif k:
        _nth_element(a, k - 1)
        if in_order:
            _sort(a, k - 1)
    return [place for _, place in a[:k]]


def kth_place(keys: list[Any], k: int) -> int:
    """The place of the k-th key (from 0) as torch's own quickselect finds it."""
    a = [(key, i) for i, key in enumerate(keys)]
    low, high = 0, len(a) - 1
    while high > low:
        if high == low + 1:
            _order(a, low, high)
            break
        middle = low + (high - low) // 2
        a[middle], a[low + 1] = a[low + 1], a[middle]
        _order(a, low + 1, high)
        _order(a, low, high)
        _order(a, low + 1, low)
        i, j, pivot = low + 1, high, a[low][0]
        while True:
            i += 1
            while pivot > a[i][0]:
                i += 1
            j -= 1
            while a[j][0] > pivot:
                j -= 1
            if j < i:
                break
            a[i], a[j] = a[j], a[i]
        a[low], a[j] = a[j], a[low]
        low, high = (i if j <= k else low), (j - 1 if j >= k else high)
    return a[k][1]


def _order(a: Pairs, i: int, j: int) -> None:
    if a[i][0] > a[j][0]:
        a[i], a[j] = a[j], a[i]


def _sort(a: Pairs, n: int) -> None:
    """`std::sort` of the first n."""
    if n > 1:
        _introsort(a, 0, n, 2 * (n.bit_length() - 1))
        if n > _SHORT:
            _insertion_sort(a, 0, _SHORT)
            for i in range(_SHORT, n):
                _insert(a, i)
        else:
            _insertion_sort(a, 0, n)


def _nth_element(a: Pairs, nth: int) -> None:
    first, last = 0, len(a)
    depth = 2 * (last.bit_length() - 1)
    while last - first > 3:
        if depth == 0:
            _heap_select(a, first, nth + 1, last)
            a[first], a[nth] = a[nth], a[first]
            return
        depth -= 1
        cut = _partition_by_pivot(a, first, last)
        first, last = (cut, last) if cut <= nth else (first, cut)
    _insertion_sort(a, first, last)


def _introsort(a: Pairs, first: int, last: int, depth: int) -> None:
    while last - first > _SHORT:
        if depth == 0:
            _heap_select(a, first, last, last)
            _sort_heap(a, first, last)
            return
        depth -= 1
        cut = _partition_by_pivot(a, first, last)
        _introsort(a, cut, last, depth)
        last = cut


def _partition_by_pivot(a: Pairs, first: int, last: int) -> int:
    """Move the median of three to the front and partition the rest around it."""
    _median_to_first(a, first, first + 1, first + (last - first) // 2, last - 1)
    pivot, left, right = a[first][0], first + 1, last
    while True:
        while a[left][0] < pivot:
            left += 1
        right -= 1
        while pivot < a[right][0]:
            right -= 1
        if not left < right:
            return left
        a[left], a[right] = a[right], a[left]
        left += 1


def _median_to_first(a: Pairs, result: int, i: int, j: int, k: int) -> None:
    x, y, z = a[i][0], a[j][0], a[k][0]
    if x < y:
        middle = j if y < z else k if x < z else i
    else:
        middle = i if x < z else k if y < z else j
    a[result], a[middle] = a[middle], a[result]


def _insertion_sort(a: Pairs, first: int, last: int) -> None:
    for i in range(first + 1, last):
        if a[i][0] < a[first][0]:
            a[first : i + 1] = [a[i], *a[first:i]]
        else:
            _insert(a, i)


def _insert(a: Pairs, i: int) -> None:
    """Move a[i] left past everything larger; something not larger stands there."""
    value = a[i]
    while value[0] < a[i - 1][0]:
        a[i] = a[i - 1]
        i -= 1
    a[i] = value


# ---- heaps: the way out when partitioning makes no headway ---------------------------------------


def _heap_select(a: Pairs, first: int, middle: int, last: int) -> None:
    """Make the smallest `middle − first` elements a heap at the front."""
    length = middle - first
    for parent in range((length - 2) // 2, -1, -1) if length > 1 else ():
        _sift(a, first, parent, length, a[first + parent])
    for i in range(middle, last):
        if a[i][0] < a[first][0]:
            value = a[i]
            a[i] = a[first]
            _sift(a, first, 0, length, value)


def _sort_heap(a: Pairs, first: int, last: int) -> None:
    while last - first > 1:
        last -= 1
        value = a[last]
        a[last] = a[first]
        _sift(a, first, 0, last - first, value)


def _sift(a: Pairs, first: int, hole: int, length: int, value: tuple[Any, int]) -> None:
    """Put `value` into the heap at `hole`: down to a leaf, then up to where it belongs."""
    top, child = hole, hole
    while child < (length - 1) // 2:
        child = 2 * (child + 1)
        if a[first + child][0] < a[first + child - 1][0]:
            child -= 1
        a[first + hole] = a[first + child]
        hole = child
    if length % 2 == 0 and child == (length - 2) // 2:
        child = 2 * (child + 1)
        a[first + hole] = a[first + child - 1]
        hole = child - 1
    parent = (hole - 1) // 2
    while hole > top and a[first + parent][0] < value[0]:
        a[first + hole] = a[first + parent]
        hole = parent
        parent = (hole - 1) // 2
    a[first + hole] = value
