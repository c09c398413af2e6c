"""A credential: what the broker and the gate know a device's password by, as mosquitto writes it.

`$7$iterations$salt$hash`: PBKDF2 with HMAC-SHA-512, salt and hash in base64. Our passwords are 128 random bits, so
that mosquitto's few iterations are no weakness, and a reload with 30,000 devices stays short.
"""

import base64
import binascii
import hashlib
import secrets

ITERATIONS = 101  # mosquitto_passwd's own default
SALT_BYTES = 12
HASH_BYTES = 64
PASSWORD_BYTES = 16
MOST_ITERATIONS = 10_000_000


def new_password() -> str:
    """128 random bits in characters that any device and any shell can carry."""
    return secrets.token_hex(PASSWORD_BYTES)


def credential_of(password: str) -> str:
    salt = secrets.token_bytes(SALT_BYTES)
    digest = _digest(password, salt, ITERATIONS)
    return f"$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def matches(credential: str, password: str) -> bool:
    """Whether the password is the credential's, in a time that tells nothing; a hash of another kind admits nobody."""
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
    return secrets.compare_digest(_digest(password, salt, iterations, len(expected)), expected)


def _digest(password: str, salt: bytes, iterations: int, length: int = HASH_BYTES) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations, dklen=length)
