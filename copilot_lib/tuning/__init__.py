"""What it takes to adapt a model to a repository: material, examples drawn from it, training, adapters.

Each module knows its own step; it does not know servers or editors.
"""
