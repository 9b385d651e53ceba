"""Scans of servers that others wrote: NSD and unbound for the names, Postfix for the mail."""
