"""Pages of lists over a scope of several subtrees: each subtree's page, merged in the list's order."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")


def page_over(
    paths: Sequence[str],
    fetch: Callable[[str], Sequence[Item]],
    key: Callable[[Item], Any],
    limit: int,
    *,
    newest_first: bool = False,
) -> tuple[list[Item], Item | None]:
    """The first `limit` items, and the last of them where more follow.

    `fetch` gives a subtree's items in the order of `key`, at least one more than the limit where there are as many.
    """
    if len(paths) == 1:
        items = list(fetch(paths[0]))
    else:
        items = sorted((item for path in paths for item in fetch(path)), key=key, reverse=newest_first)
    page = items[:limit]
    return page, page[-1] if len(items) > limit else None
