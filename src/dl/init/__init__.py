"""First configs: one made for a user's data, and the shipped examples."""
