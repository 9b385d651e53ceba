"""The embedded mail world: DNS, SMTP and HTTPS servers on loopback, from a declarative world with its expectations.

It imports the vocabulary, the records, the settings and libraries only: a parser shared with the scanner
would hide its bugs.
"""
