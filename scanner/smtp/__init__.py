"""SMTP without I/O: replies, extensions, commands, and what a session may say next (RFC 5321, RFC 3207)."""
