"""The study tool: a quiz bank in, graded answers and progress out."""
