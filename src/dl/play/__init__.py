"""A page on which a network of two inputs is built, trained and watched by hand."""
