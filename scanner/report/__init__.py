"""Records → what people read: the summary of a run, and a domain with its transcripts."""
