"""Mail hosts in signed zones, and what mxscan, posttls-finger and OpenSSL think of each."""
