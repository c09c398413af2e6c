"""The front desk: people and systems ask here; wires the rooms of one machine together."""
