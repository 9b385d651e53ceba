"""What a domain asks of those who send it mail: MTA-STS, TLS-RPT, DANE, and what comes of it for a message."""
