"""A run: its input, its three passes and its directory. Each pass reads files and appends to files."""
