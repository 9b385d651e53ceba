"""Certificates: what they say, whether a root vouches for them, whose name they carry, what is weak."""
