"""`coldchain VERB …`: finds the verb by name among the installed rooms and runs it; imports no room itself."""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from importlib.metadata import EntryPoint, entry_points

from coldchain import __version__
from coldchain.errors import ColdchainError
from coldchain.verbs import Verb

EXIT_REFUSED = 2


def main(arguments: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    verbs = {point.name: point for point in entry_points(group="coldchain.verbs")}
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_help(verbs))
        return 0 if arguments else EXIT_REFUSED
    if arguments[0] == "--version":
        print(__version__)
        return 0
    name, rest = arguments[0], arguments[1:]
    if name not in verbs:
        print(f"coldchain: there is no verb {name!r}; try coldchain --help", file=sys.stderr)
        return EXIT_REFUSED
    try:
        verb = _load(verbs[name])
    except ModuleNotFoundError as why:
        print(f"coldchain {name}: {why.name} is not installed; install coldchain[server]", file=sys.stderr)
        return EXIT_REFUSED
    parser = ArgumentParser(
        prog=f"coldchain {name}", description=verb.help, formatter_class=RawDescriptionHelpFormatter
    )
    verb.describe(parser)
    parsed = parser.parse_args(rest)
    try:
        return verb.run(parsed)
    except ColdchainError as why:
        print(f"coldchain {name}: {why}", file=sys.stderr)
        return EXIT_REFUSED
    except KeyboardInterrupt:
        return 130


def _load(point: EntryPoint) -> Verb:
    verb = point.load()
    if not isinstance(verb, Verb):
        raise TypeError(f"{point.value} is registered as a verb and is none")
    return verb


def _help(verbs: dict[str, EntryPoint]) -> str:
    lines = ["coldchain VERB …    watches every vaccine fridge; coldchain VERB --help tells more", ""]
    for name in sorted(verbs):
        try:
            told = _load(verbs[name]).help
        except ModuleNotFoundError as why:
            told = f"(needs {why.name}: install coldchain[server])"
        lines.append(f"  {name:<14} {told}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
