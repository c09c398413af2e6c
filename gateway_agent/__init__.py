"""The agent at the fridge: senses, keeps and sends. Needs paho-mqtt and the standard library."""
