"""The first start of a data directory: the books made, the first administrator in them, the broker's files written.

A process of its own (`python -m api.first_start --data DIR`), so that `coldchain up` stays small: the books need much
that their supervisor does not.
"""

import sys
from argparse import ArgumentParser
from contextlib import closing
from pathlib import Path

from api.processes import hush
from coldchain.data_dir import DataDir
from coldchain.logs import log_to_stderr
from registry import broker_files, users
from registry.settling import open_at, settle


def first_start(data_dir: DataDir) -> None:
    """Bring everything up to date that others need before they start; a second time nothing changes.

    A new administrator is told once, on standard output.
    """
    with closing(open_at(data_dir)) as books:
        made = users.first_administrator(books)
        if made is not None:
            name, password = made
            print(f"First administrator: {name} / {password} (shown once)", flush=True)
        settle(books, data_dir)
        broker_files.write(books, data_dir)


def main() -> int:
    parser = ArgumentParser(prog="api.first_start")
    parser.add_argument("--data", type=Path, required=True)
    log_to_stderr("books")
    hush()
    first_start(DataDir(parser.parse_args().data))
    return 0


if __name__ == "__main__":
    sys.exit(main())
