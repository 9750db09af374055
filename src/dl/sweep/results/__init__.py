"""What is kept of a sweep, read again, and ranked."""
