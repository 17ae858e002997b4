"""Reference functions of deep learning, one module per concept."""
