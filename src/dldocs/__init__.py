"""Build-time fences of the site: derivations, quizzes and figures."""
