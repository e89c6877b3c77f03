"""Entries reach Luminate, and the truth about them comes back: posting, outcomes, look-ups, the sweep."""
