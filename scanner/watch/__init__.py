"""Watching a portfolio: what was known of it, a run compared with that, and what is sent."""
