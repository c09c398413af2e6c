"""A local alarm: a rule was met at this gateway, and a command of the people here rings, with no network at all."""

import logging
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from coldchain.rules import Severity

log = logging.getLogger("agent.alarm")

LONGEST_COMMAND_S = 30.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0

State = Literal["alarm", "ended"]


@dataclass(frozen=True, slots=True)
class Alarm:
    """A rule was met on a channel, or is met no longer."""

    code: str
    state: State
    channel: str
    severity: Severity


Ring = Callable[[Alarm], None]
Command = Callable[[Sequence[str]], None]
"""Runs an argv to its end. Raises OSError or subprocess.SubprocessError where it fails."""


def run(argv: Sequence[str]) -> None:
    subprocess.run(argv, check=True, timeout=LONGEST_COMMAND_S, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


class Siren:
    """Runs `COMMAND CODE STATE CHANNEL` for each alarm, in a thread of its own, until it succeeds.

    A newer state of the same rule takes the place of an older one that still waits to be told.
    """

    def __init__(self, argv: Sequence[str], *, with_warnings: bool = False, command: Command = run) -> None:
        self._argv = tuple(argv)
        self._with_warnings = with_warnings
        self._command = command
        self._waiting: dict[tuple[str, str], Alarm] = {}
        self._changed = threading.Condition()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._work, name="siren", daemon=True)
        self._thread.start()

    def ring(self, alarm: Alarm) -> None:
        log.warning("%s on %s: %s", alarm.code, alarm.channel, alarm.state)
        if not self._argv or (alarm.severity == "warning" and not self._with_warnings):
            return
        with self._changed:
            self._waiting[alarm.channel, alarm.code] = alarm
            self._changed.notify()

    def stop(self, patience_s: float = 1.0) -> None:
        """Ends when what waits has been told, or the patience is over."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        self._thread.join(patience_s)

    def _work(self) -> None:
        pause = FIRST_PAUSE_S
        while (waiting := self._taken()) is not None:
            untold = [alarm for alarm in waiting if not self._told(alarm)]
            if not untold:
                pause = FIRST_PAUSE_S
                continue
            with self._changed:
                if self._is_stopping:
                    return
                for alarm in untold:
                    self._waiting.setdefault((alarm.channel, alarm.code), alarm)
                self._changed.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _taken(self) -> list[Alarm] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_stopping)
            waiting = list(self._waiting.values())
            self._waiting.clear()
        return waiting or None

    def _told(self, alarm: Alarm) -> bool:
        try:
            self._command([*self._argv, alarm.code, alarm.state, alarm.channel])
        except (OSError, subprocess.SubprocessError) as why:
            log.warning("the alarm command failed and is tried again: %s", why)
            return False
        return True
