"""Prepares a chapter's notebook: seeds, quiet output, the default model, and one line that says what runs.

It knows the environment; it does not know what a chapter teaches.
"""

import os
import platform
import random
import sys
import warnings

TINY = "bigcode/tiny_starcoder_py"


def start(seed: int = 0) -> None:
    """Makes a chapter's cells repeatable and quiet, and prints versions, model and device.

    On Colab with a GPU the default model becomes tiny_starcoder_py; a `COPILOT_MODEL` that is already set is kept.
    """
    import numpy
    import torch
    import transformers

    from copilot_lib import models

    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)
    warnings.filterwarnings("ignore")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    if "google.colab" in sys.modules and torch.cuda.is_available():
        os.environ.setdefault("COPILOT_MODEL", TINY)
    versions = f"Python {platform.python_version()}, torch {torch.__version__}, transformers {transformers.__version__}"
    print(f"{versions}; model {models.default_name()} on {models.best_device()}")
