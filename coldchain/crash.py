"""Named points at which a test may have the process die as by kill -9, to see that nothing is lost there.

Armed by whoever starts the process, with a token file: the process takes the token away and dies, so that its
successor lives. Not armed, a point costs one comparison.
"""

import os
import signal
from pathlib import Path

_armed: dict[str, Path] = {}


def arm(point: str, token: Path) -> None:
    """Die at this point, once, if the token file is there by then."""
    _armed[point] = token


def arm_from(text: str) -> None:
    """`point=token-file` pairs separated by `;`, as the variable COLDCHAIN_CRASH carries them."""
    for pair in filter(None, text.split(";")):
        point, _, token = pair.partition("=")
        arm(point, Path(token))


def point(name: str) -> None:
    """Mark a place between two effects, such as `gate.appended`."""
    if not _armed:
        return
    token = _armed.get(name)
    if token is not None and token.exists():
        token.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
