"""Code answers: the learner writes a function, and it is compared with the reference on drawn cases.

`stub` is what the learner starts from, `cases` what the function is called with, `run` calls it in a process of its
own, `judge` compares. A bank holds none of the code: reference and mistakes are functions of the repository.
"""

NO_SANDBOX = (
    "dlquiz runs the function you typed in a separate Python process with a time and memory limit, so that a slip such "
    "as an endless loop cannot hang your terminal. This is not a sandbox: the code has your rights."
)
HOW_TO_WRITE = "Type e to write it in your editor, or type it here and end with a line that is a dot."
FROM_NO_FILE = (
    "dlquiz never runs code from a quiz file; quiz files hold only text, numbers, formulas read by a restricted parser "
    "and names of functions in this package."
)
