"""Whom the gate admitted before: what one look at a slow hash showed need not be computed for every message."""

import hashlib
import secrets

MOST_REMEMBERED = 10_000


class Admitted:
    """Who was admitted before need not be computed again. Passwords are remembered as a hash keyed by this process."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._tags: dict[str, bytes] = {}

    def knows(self, device_id: str, credential: str, password: str) -> bool:
        tag = self._tags.get(device_id)
        return tag is not None and secrets.compare_digest(tag, self._tag(credential, password))

    def remember(self, device_id: str, credential: str, password: str) -> None:
        if len(self._tags) >= MOST_REMEMBERED:
            self._tags.clear()
        self._tags[device_id] = self._tag(credential, password)

    def _tag(self, credential: str, password: str) -> bytes:
        return hashlib.blake2b(f"{credential}\n{password}".encode(), key=self._key, digest_size=16).digest()
