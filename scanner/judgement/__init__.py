"""From what was found to what it means: one record a domain, with verdicts, findings and their evidence."""
