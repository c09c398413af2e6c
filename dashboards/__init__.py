"""The window: the web page (`web/`)."""
