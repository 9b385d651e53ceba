"""SMTP without I/O: replies, extensions, mailboxes, commands, mail data, AUTH, and what a session may say next."""
