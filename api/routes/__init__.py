"""The routes: a file a noun, each saying who may and where."""
