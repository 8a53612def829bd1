"""The command line: translates arguments into calls of the package, and every failure into one line and a status.

It knows groups of commands and exit statuses; it does not know what any command does.
"""

import argparse
import os
import sys

from copilot_lib.cli import adapting, collecting, completing, learning, measuring, pretraining, serving, tuning
from copilot_lib.cli.inputs import BAD_INPUT, INTERRUPTED

GROUPS = (completing, serving, adapting, measuring, collecting, tuning, learning, pretraining)


def parser() -> argparse.ArgumentParser:
    """Every command with its options."""
    main = argparse.ArgumentParser(prog="python -m copilot_lib", description="Build your own copilot: complete code from here.")
    commands = main.add_subparsers(required=True, metavar="COMMAND")

    def command(function, help, model=True):
        made = commands.add_parser(function.__name__, help=help, description=help)
        made.set_defaults(run=function)
        if model:
            made.add_argument("--model", help="pocket (default), a folder, or a hub id; COPILOT_MODEL sets the default")
        return made

    for group in GROUPS:
        group.add(command)
    return main


def main(words: list[str] | None = None) -> int:
    """Runs one command; returns 0, 1 where a check found something, 2 where input cannot be used, 130 after Ctrl-C."""
    words = sys.argv[1:] if words is None else words
    if hasattr(sys.stdout, "reconfigure"):  # a terminal without Unicode shows a question mark and no traceback
        sys.stdout.reconfigure(errors="replace")
    # argparse takes -:3:9 for an option; a blank in front says that it is none; parse_place takes it off.
    arguments = parser().parse_args([f" {word}" if word.startswith("-:") else word for word in words])
    try:
        status = arguments.run(arguments) or 0
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever read us has seen enough; Python would complain once more when it closes the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:  # before a command had begun with what it says at an interrupt
        return INTERRUPTED
    except ModuleNotFoundError as error:
        if not error.name or error.name.split(".")[0] in sys.stdlib_module_names | {"copilot_lib"}:
            raise
        return refuse(f"this Python lacks {error.name}: run the one of .venv, which `make lab` makes, or install the package")
    except OSError as error:
        return refuse(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error))
    except (ValueError, FloatingPointError) as error:
        return refuse(str(error))


def refuse(message: str) -> int:
    print(f"copilot_lib: {message}", file=sys.stderr)
    return BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
