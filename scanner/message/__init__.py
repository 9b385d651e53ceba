"""A message as octets: header fields, text, attachments, composed without any I/O."""
