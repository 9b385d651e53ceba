"""DNS without I/O: answers, and where a domain receives its mail (RFC 5321 §5.1, RFC 7505)."""
