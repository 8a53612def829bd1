"""Prepares a chapter's notebook: seeds, quiet output, the default model, one line that says what runs, and stored results.

It knows the environment; it does not know what a chapter teaches.
"""

import os
import platform
import random
import sys
import urllib.request
import warnings
from pathlib import Path

TINY = "bigcode/tiny_starcoder_py"
RESULTS = Path(__file__).parent.parent / "results"
RAW = "https://raw.githubusercontent.com/build-your-own-copilot/build-your-own-copilot/main/results/"


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
    # In 8 bits a completion may differ from one processor to the next, and this page shows what yours will say.
    os.environ.setdefault("COPILOT_PRECISION", "float32")
    if "google.colab" in sys.modules and torch.cuda.is_available():
        os.environ.setdefault("COPILOT_MODEL", TINY)
    versions = f"Python {platform.python_version()}, torch {torch.__version__}, transformers {transformers.__version__}"
    print(f"{versions}; model {models.default_name()} on {models.device_of(models.default_name())}")


def stored(name: str) -> str:
    """The text of a file in results/: that of this checkout, or where only the package is installed, that of the repository."""
    file = RESULTS / name
    if file.exists():
        return file.read_text(encoding="utf-8")
    with urllib.request.urlopen(RAW + name, timeout=20) as answer:
        return answer.read().decode()
