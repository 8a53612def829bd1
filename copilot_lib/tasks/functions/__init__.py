"""Sixty small functions with their tests, written for this book: what execution-based infilling cuts holes into.

Nothing imports them: they are read as text. They do not know how they are cut or run.
"""
