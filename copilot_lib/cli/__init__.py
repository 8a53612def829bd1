"""The commands, in groups that `__main__` puts together.

Each module knows the arguments of its commands. It does not know how anything is done, and imports nothing heavy before a
command runs, so that `--help` answers at once.
"""
