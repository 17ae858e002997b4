"""Damaged copies of reference functions, each with one wrong line, for the questions that ask to find it."""
