"""What can go wrong, in four kinds; a file's own errors subclass one of them and live in that file.

The message says what was asked and what is true. Only `api/errors.py` knows how HTTP says it.
"""


class ColdchainError(Exception):
    """Anything that Coldchain itself refuses or cannot do."""


class NotFound(ColdchainError):
    """What was asked for does not exist, or may not be known to whoever asks."""


class Refused(ColdchainError):
    """What was asked breaks a rule; asking again the same way will not help."""


class Conflict(ColdchainError):
    """What was asked contradicts what is already recorded."""


class Unavailable(ColdchainError):
    """What is needed cannot be reached now; asking again later may help."""
