"""Trains and asks the adapters that show what fine-tuning does, on repositories that the pocket never saw: a plan and runs.

It knows which measurements there are; it does not know how an adapter is trained or a place is asked about.
"""
