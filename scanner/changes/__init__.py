"""Two records of a domain → what changed, and whether for the worse."""
