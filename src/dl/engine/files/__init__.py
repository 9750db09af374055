"""Model files: written so that plain Keras opens them, read without trusting them."""
