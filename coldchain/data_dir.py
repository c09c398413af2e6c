"""The data directory of one machine: where each room's file lies. Every process is told the directory alone."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DataDir:
    root: Path

    @property
    def gate(self) -> Path:
        """READINGS, REFUSED, STATUS and EVIDENCE, with the outboxes' durable ranges. Written by the gate."""
        return self.root / "gate.db"

    @property
    def stream(self) -> Path:
        """Chunks, the judge's memory, VERDICTS and SILENCES. Written by the judge."""
        return self.root / "stream.db"

    @property
    def books(self) -> Path:
        """All of the registry, with SETTINGS. Written by the desk, and by `coldchain device` and its sisters."""
        return self.root / "books.db"

    @property
    def broker(self) -> Path:
        """The broker's configuration, password file, access list and own store."""
        return self.root / "broker"

    @property
    def gate_socket(self) -> Path:
        """Where the gate takes HTTP from the desk."""
        return self.root / "gate.sock"

    @property
    def gate_hears(self) -> Path:
        """Up to which entry of SETTINGS the gate has asked the broker for the topics that records name."""
        return self.root / "gate.hears"

    @property
    def gate_password(self) -> Path:
        """The gate's own password at our broker."""
        return self.broker / "gate.password"

    @property
    def running(self) -> Path:
        """What `coldchain up` runs with (JSON), while it does."""
        return self.root / "up.json"
