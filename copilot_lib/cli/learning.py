"""Commands about learning from what was accepted: the next adapter, and how far a simulated user gets with it.

It knows arguments and a terminal; it does not know what makes a completion worth learning.
"""

import argparse
import sys
from pathlib import Path

from copilot_lib.checkpoint import write_json
from copilot_lib.cli.inputs import INTERRUPTED, Add, BadInput
from copilot_lib.cli.tuning import Bar, add_run, conclude, concluded, interrupted, minutes, reading_bar

MINUTES = 10.0
LINES_ABOVE = 3
ANSWERS = {"y": "take it", "n": "leave it out", "a": "take it and all that follow", "q": "stop here"}


def learn(arguments) -> int:
    from dataclasses import replace
    from functools import partial

    from copilot_lib import models
    from copilot_lib.completer import Completer
    from copilot_lib.registry import checked
    from copilot_lib.tuning import accepted, finetune, learning, material
    from copilot_lib.tuning.settings import suited

    name = checked(arguments.name)
    model = arguments.model or models.default_name()
    folder = arguments.folder or Path("build/learn") / name
    found = material.collect(arguments.repository, arguments.seed, arguments.tests, reading_bar)
    if arguments.resume:
        plan, lesson = finetune.planned(folder, found, model), learning.lesson(folder)
    else:
        judged = learning.judge(arguments.record, found)
        said = learning.decided(folder)
        if arguments.review:
            said = reviewed(judged, said, lambda said: learning.decide(folder, said))
        judged = learning.without_refused(judged, said)
        print(accepted.summary(accepted.counts(judged)), flush=True)
        learning.begin_anew(folder)
        size = models.load(model).parameters
        settings = replace(suited(size, models.best_device()), seed=arguments.seed)
        options = {"minutes": arguments.minutes, "previous": getattr(arguments, "from")}
        plan, found, lesson = learning.prepare(judged, partial(Completer.load, model), found, folder, settings, **options)
    about = plan.steps * plan.seconds_per_step / 60
    print(f"\n{plan.steps} steps of {plan.settings.batch_tokens} tokens: about {about:.0f} minutes", flush=True)
    try:
        with Bar(plan) as bar:
            course = finetune.run(
                plan, found, folder, arguments.resume, bar.show, bar.say, further=lesson.examples, begin=lesson.begin
            )
        if not lesson.begin:
            return concluded(arguments, name, folder, course)
        # What was accepted stands in no file to see when to stop, and the adapter that is gone on from was the best for these.
        conclude(arguments, name, folder, course)
        return 0
    except KeyboardInterrupt:
        return interrupted(folder)


def reviewed(judged, said: dict[str, bool], keep) -> dict[str, bool]:
    """Asks a person about each completion that would be learnt and was not decided before; `keep` is told after each."""
    open_ones = [one for one in judged if one.taken and one.event.completion_id not in said]
    said = dict(said)
    for number, one in enumerate(open_ones):
        print(f"\n{number + 1} of {len(open_ones)}  {shown(one)}")
        answer = answered()
        following = open_ones[number:] if answer == "a" else [one]
        if answer == "q":
            raise BadInput("the review was stopped, and nothing is learnt: what was decided is kept for the next time")
        said |= {other.event.completion_id: answer != "n" for other in following}
        keep(said)
        if answer == "a":
            break
    return said


def shown(one) -> str:
    """A completion for whoever reviews it: the lines above, the answer marked, and what was accepted if that differs."""
    from copilot_lib import show
    from copilot_lib.tuning.standing import Around

    around = Around.of(one.event)
    above = "\n".join(around.prefix.split("\n")[-LINES_ABOVE - 1 :])
    text = above + show.GHOST[0] + one.answer + show.GHOST[1] + around.line_suffix
    was = one.event.text[: one.event.accepted_characters]
    text += "" if was == one.answer else f"\naccepted was: {was}"
    return "\n".join([f"{one.place}  {one.verdict}", *(f"  {show.visible(line)}" for line in text.split("\n"))])


def answered() -> str:
    """One of the letters that may be answered; `BadInput` where nobody is there to answer."""
    while True:
        print("; ".join(f"{letter} {what}" for letter, what in ANSWERS.items()), end=": ", flush=True)
        line = sys.stdin.readline()
        if not line:
            raise BadInput("the review ended before its last question, and nothing is learnt: what was decided is kept")
        if line.strip().lower()[:1] in ANSWERS and line.strip():
            return line.strip().lower()[0]


def flywheel(arguments) -> int:
    import shlex
    from dataclasses import asdict
    from datetime import date

    from copilot_lib import hardware, models
    from copilot_lib.cli.measuring import repository_folder
    from copilot_lib.tuning import arms, material, teaching
    from copilot_lib.tuning import flywheel as wheel

    model = arguments.model or models.default_name()
    folder = arguments.folder or Path("build/flywheel") / Path(arguments.repository).name
    if unknown := [name for name in arguments.arms if name not in arms.ARMS]:
        raise BadInput(f"{unknown[0]!r} is no way to learn: expected some of {', '.join(arms.ARMS)}")
    found = material.collect(repository_folder(arguments.repository), progress=reading_bar)
    numbers = {"rounds": arguments.rounds, "per_kind": arguments.places, "steps": arguments.steps, "seeds": arguments.seeds}
    try:
        rows = wheel.run(
            [*found.train, *found.validation, *found.test], folder, arguments.arms or tuple(arms.ARMS), **numbers, model=model
        )
    except KeyboardInterrupt:
        print(f"\nStopped. What came of it is in {folder}: the same command goes on from there.", file=sys.stderr)
        return INTERRUPTED
    record = {
        "command": shlex.join(["python", "-m", "copilot_lib", *sys.argv[1:]]),
        "repository": arguments.repository,
        "model": models.fingerprint(model)[:12],
        "settings": asdict(wheel.SETTINGS) | {"rate_of_events_alone": teaching.EVENTS_RATE} | numbers,
        "hardware": hardware.describe("cpu"),
        "date": date.today().isoformat(),
        "rows": rows,
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    write_json(arguments.output, record)
    wheel.clear(folder)
    return 0


def above_zero(text: str) -> int:
    """A whole number above zero."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of things: expected 1 or more")
    return int(text)


def add(command: Add) -> None:
    """Adds these commands with their options."""
    added = command(learn, "make the next adapter of what was accepted, and of the repository's own code")
    add_run(added, "build/learn")
    added.add_argument(
        "--record", type=Path, required=True, metavar="FILE", help="what `serve` or `lsp` has kept with --record"
    )
    added.add_argument("--review", action="store_true", help="ask about each completion before it is learnt")
    added.add_argument("--minutes", type=minutes, metavar="M", default=MINUTES, help="train for about so long, default 10")
    added.add_argument("--from", metavar="ADAPTER", help="go on from this adapter; without, begin anew")
    added = command(flywheel, "let a simulated user accept and refuse, round by round, in several ways to learn from it")
    added.add_argument("repository", nargs="?", default="fontTools", metavar="REPO", help="a folder, or an installed package")
    added.add_argument(
        "--arms", nargs="+", default=[], metavar="ARM", help="never, accepted, everything, written, code, both; all"
    )
    added.add_argument("--rounds", type=above_zero, default=3)
    added.add_argument("--places", type=above_zero, default=50, help="of each of three kinds in a round, default 50")
    added.add_argument("--steps", type=above_zero, default=40, help="of training after each round, default 40")
    added.add_argument("--seeds", type=above_zero, default=3, help="so many simulations, counted together, default 3")
    added.add_argument("--folder", type=Path, help="where a stopped run goes on; default build/flywheel and the name")
    added.add_argument("--output", type=Path, default=Path("results/claims/flywheel.json"), help="the JSON file")
