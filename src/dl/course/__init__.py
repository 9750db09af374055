"""Exercises of a course: what they ask, what a student's answer is worth, and a whole class."""
