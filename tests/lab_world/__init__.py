"""The embedded world: that it is complete and agrees with itself, before anything is scanned."""
