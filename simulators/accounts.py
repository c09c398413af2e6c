"""Accounts: what devices sign in with, as `coldchain device add --json` tells it, one JSON object a line."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from coldchain.errors import Refused


@dataclass(frozen=True, slots=True)
class Account:
    device_id: str
    password: str = field(repr=False)


class BadAccounts(Refused):
    """A file of accounts cannot be read."""


def read(path: Path) -> dict[str, Account]:
    """Raises BadAccounts."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as why:
        raise BadAccounts(f"{path}: {why}") from None
    accounts = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            account = Account(str(row["device_id"]), str(row["password"]))
        except (ValueError, KeyError, TypeError):
            raise BadAccounts(f"{path}:{number}: is no line of `coldchain device add --json`") from None
        accounts[account.device_id] = account
    return accounts


def write(path: Path, accounts: Iterable[Account]) -> None:
    """Readable by us alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"device_id": one.device_id, "password": one.password}) + "\n" for one in accounts]
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(lines)
