"""A device's credentials as the books publish them: the hash that mosquitto keeps, `$7$iterations$salt$hash`.

PBKDF2 with HMAC-SHA-512, salt and hash in base64 (mosquitto_passwd 2.x).
"""

import base64
import binascii
import hashlib
import secrets

MOST_REMEMBERED = 10_000
MOST_ITERATIONS = 10_000_000


def matches(credential: str, password: str) -> bool:
    """Whether the password is the credential's; a hash of another kind admits nobody."""
    parts = credential.split("$")
    if len(parts) != 5 or parts[:2] != ["", "7"] or not parts[2].isascii() or not parts[2].isdecimal():
        return False
    iterations = int(parts[2])
    try:
        salt, expected = (base64.b64decode(part, validate=True) for part in parts[3:])
    except binascii.Error:
        return False
    if not (0 < iterations <= MOST_ITERATIONS and expected):
        return False
    given = hashlib.pbkdf2_hmac("sha512", password.encode("utf-8"), salt, iterations, dklen=len(expected))
    return secrets.compare_digest(given, expected)


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
