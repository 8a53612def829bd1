"""What the article claims and no other part of the project measures, each claim by its name.

It knows which measurements there are; it does not know how one of them is made.
"""

from collections.abc import Callable

from copilot_lib.claims import adapting, canaries, lengths, recipe, strength, waiting
from copilot_lib.completer import Completer

CLAIMS: dict[str, Callable[[Completer], list[dict]]] = {
    "lengths": lengths.rows,
    "waiting": waiting.rows,
    "adapting": adapting.rows,
    "recipe": recipe.rows,
    "canaries": canaries.rows,
    "strength": strength.rows,
}
"""From a completer to the rows of a record."""
OF_THE_POCKET = {"adapting", "recipe", "canaries", "strength"}
"""Those that train, or take what the sweep has trained: always the pocket, so that of another model they would say nothing."""
