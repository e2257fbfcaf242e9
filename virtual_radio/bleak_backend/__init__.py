"""bleak over the virtual radio: code that uses bleak runs unchanged, with no system below it.

Errors are those that bleak raises on Linux, because that is where the same code runs in earnest.
"""
