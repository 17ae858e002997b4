"""The verbs of the command line, a module for each topic; none is loaded before it is wanted."""
