"""Build your own copilot: the package that the chapters build and then import."""
