"""The commands, one file each: they wire the floors together and talk to the user."""
