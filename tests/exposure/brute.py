"""An exposure by brute force: millisecond by millisecond, from the definition, with nothing of the code it checks."""

from collections import Counter
from collections.abc import Sequence

Reading = tuple[int, int]


def value_at(readings: Sequence[Reading], promises: Sequence[tuple[int, int]], at: int) -> int | None:
    """What held in the millisecond that begins at the instant; None where nobody knows."""
    before = [reading for reading in sorted(readings) if reading[0] <= at]
    after = [instant for instant, _ in readings if instant > at]
    if not before:
        return None
    last_at, value = before[-1]
    if after:
        following = min(after)
        return value if following - last_at <= 2 * promised(promises, following) else None
    return value if at < last_at + 2 * promised(promises, last_at) else None


def promised(promises: Sequence[tuple[int, int]], at: int) -> int:
    interval = promises[0][1]
    for since, declared in promises:
        if since <= at:
            interval = declared
    return interval


def stepped(
    readings: Sequence[Reading], promises: Sequence[tuple[int, int]], since: int, until: int
) -> tuple[dict[int, int], int]:
    """Held ms by value, unknown ms; what was measured in the stretch stands with 0 where it did not hold."""
    held = Counter({value: 0 for at, value in readings if since <= at < until})
    unknown = 0
    for at in range(since, until):
        value = value_at(readings, promises, at)
        if value is None:
            unknown += 1
        else:
            held[value] += 1
    return dict(held), unknown
