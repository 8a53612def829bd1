"""The completion server: one service, several protocols, a guard in front of them.

It knows HTTP; it does not know how a model is run.
"""
