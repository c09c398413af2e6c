"""A package by name, since the folder must be found before a package of that name that a library brings with it."""
