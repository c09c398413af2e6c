"""A credential: what the broker and the gate know a device's password by, as mosquitto writes it.

`$7$iterations$salt$hash`: PBKDF2 with HMAC-SHA-512, salt and hash in base64. Our passwords are 128 random bits, so
that mosquitto's few iterations are no weakness, and a reload with 30,000 devices stays short.
"""

import base64
import hashlib
import secrets

ITERATIONS = 101  # mosquitto_passwd's own default
SALT_BYTES = 12
HASH_BYTES = 64
PASSWORD_BYTES = 16


def new_password() -> str:
    """128 random bits in characters that any device and any shell can carry."""
    return secrets.token_hex(PASSWORD_BYTES)


def credential_of(password: str) -> str:
    salt = secrets.token_bytes(SALT_BYTES)
    digest = _digest(password, salt, ITERATIONS)
    return f"$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def admits(credential: str, password: str) -> bool:
    """Whether the password is the one of the credential; in a time that tells nothing."""
    _, kind, iterations, salt, digest = credential.split("$")
    if kind != "7":
        return False
    told = _digest(password, base64.b64decode(salt), int(iterations))
    return secrets.compare_digest(told, base64.b64decode(digest))


def _digest(password: str, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations, dklen=HASH_BYTES)
