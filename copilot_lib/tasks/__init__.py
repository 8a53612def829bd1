"""Does it run? Functions with a hole in them, their tests, and a child process in which an answer is tried.

It knows where its parts are; it does not know models or how an answer is made.
"""

from copilot_lib.tasks.cutting import KINDS as KINDS
from copilot_lib.tasks.cutting import Hole as Hole
from copilot_lib.tasks.cutting import holes as holes
from copilot_lib.tasks.cutting import tasks as tasks
from copilot_lib.tasks.sandbox import Limits as Limits
from copilot_lib.tasks.sandbox import Outcome as Outcome
from copilot_lib.tasks.sandbox import run as run
