"""What a sweep file says: its settings, what they may be, and whether they fit the config."""
