"""What simple models reach where a network was trained, and whether it is better than they are."""
