"""A verb: one thing that `coldchain` does from the command line. Rooms register theirs as `coldchain.verbs`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verb:
    """`help` is one line; `describe` adds the arguments; `run` gives the exit code."""

    help: str
    describe: Callable[[ArgumentParser], None]
    run: Callable[[Namespace], int]
