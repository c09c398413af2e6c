"""The rehearsal: fridges, power cuts and districts that drive the real agent and the real platform."""
