"""What a model should see besides the open file: `gather` collects it, a `Project` says what may be read.

It knows where to find each; it does not know models or prompts.
"""

from copilot_lib.context.fusion import Fused as Fused
from copilot_lib.context.gathering import SOURCES as SOURCES
from copilot_lib.context.gathering import gather as gather
from copilot_lib.context.gathering import place as place
from copilot_lib.context.gathering import with_index as with_index
from copilot_lib.context.ngram_cache import NgramCache as NgramCache
from copilot_lib.context.project import Project as Project
from copilot_lib.context.retrieval import Index as Index
from copilot_lib.context.vectors import VectorIndex as VectorIndex
from copilot_lib.snippet import Snippet as Snippet
