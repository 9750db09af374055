"""The types of the config, one file for each section."""
