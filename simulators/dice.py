"""Dice: numbers that look like chance and depend on nothing but a seed and an index, so that every run is alike."""

_MASK = (1 << 64) - 1


def _mixed(seed: int, index: int) -> int:
    """64 well-mixed bits (the finaliser of splitmix64)."""
    value = (seed * 0x9E3779B97F4A7C15 + index * 0xD1B54A32D192ED03) & _MASK
    value = ((value ^ value >> 30) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ value >> 27) * 0x94D049BB133111EB) & _MASK
    return value ^ value >> 31


def even(seed: int, index: int) -> float:
    """Evenly spread over [0, 1)."""
    return _mixed(seed, index) / 18446744073709551616.0


def swing(seed: int, index: int) -> float:
    """Between −1 and 1, most often near 0 (a triangle; standard deviation 0.41)."""
    bits = _mixed(seed, index)
    return ((bits & 0xFFFFFFFF) + (bits >> 32)) / 4294967296.0 - 1.0


def seed_of(text: str) -> int:
    """A seed from a name, the same in every process."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 & _MASK
    return value
