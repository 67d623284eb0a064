"""The commands together, and how they end: 0 done, 2 bad input or usage, 1 our fault.

`verify` ends with 3 where a result is not the same, `diagnose --out` where some images have an
error.
"""

from __future__ import annotations

import io
import logging
import sys
from typing import Annotated

import typer

from pneumoscope import __version__
from pneumoscope.cli import (
    bundle,
    compare,
    data,
    diagnose,
    evaluate,
    networks,
    phantom,
    severity,
    show,
    split,
    study,
    track,
    train,
    train_lungs,
    train_picture_check,
    tune_dropout,
    verify,
)
from pneumoscope.cli.help import GroupedCommands, InputsCommand
from pneumoscope.errors import InputError, PneumoscopeError

DONE, OUR_FAULT, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

READ, MEASURE, MODELS, LABORATORY, TRY = "Read", "Measure", "Models", "Laboratory", "Try"

app = typer.Typer(
    name="pneumoscope",
    cls=GroupedCommands,
    help="Read chest radiographs for pneumonia, explain the result, and join it with symptoms "
    "into a severity. Decision support, not a diagnosis.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("diagnose", rich_help_panel=READ)(diagnose.diagnose)
app.command("severity", cls=InputsCommand, rich_help_panel=READ)(severity.severity)
app.command("track", rich_help_panel=READ)(track.track)
app.command("show", rich_help_panel=READ)(show.show)
app.command("verify", rich_help_panel=READ)(verify.verify)
app.command("schema", rich_help_panel=READ)(show.schema)
app.command("evaluate", rich_help_panel=MEASURE)(evaluate.evaluate)
app.command("compare", rich_help_panel=MEASURE)(compare.compare)
app.add_typer(data.app, name="data", rich_help_panel=MEASURE)
app.add_typer(bundle.app, name="bundle", rich_help_panel=MODELS)
app.command("networks", rich_help_panel=MODELS)(networks.networks)
app.command("split", rich_help_panel=LABORATORY)(split.split)
app.command("train", rich_help_panel=LABORATORY)(train.train)
app.command("export", rich_help_panel=LABORATORY)(train.export)
app.command("tune-dropout", rich_help_panel=LABORATORY)(tune_dropout.tune_dropout)
app.command("study", rich_help_panel=LABORATORY)(study.study)
app.command("train-lungs", rich_help_panel=LABORATORY)(train_lungs.train_lungs)
app.command("train-picture-check", rich_help_panel=LABORATORY)(
    train_picture_check.train_picture_check
)
app.command("phantom", rich_help_panel=TRY)(phantom.phantom)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pneumoscope {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print details, and the traceback of an error.")
    ] = False,
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    level = logging.ERROR if quiet else logging.DEBUG if verbose else logging.INFO
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("pneumoscope")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False


def main() -> None:
    """Run the command line and exit with its code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What a terminal's encoding lacks is escaped instead of failing.
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(_run())


def _run() -> int:
    """Run a command; every error becomes one line on stderr and an exit code."""
    try:
        outcome = app(standalone_mode=False)
    except InputError as error:
        return _fail(error, BAD_INPUT)
    except (KeyboardInterrupt, typer.Abort):
        return _say("interrupted", INTERRUPTED)
    except PneumoscopeError as error:
        return _fail(error, OUR_FAULT)
    except Exception as error:
        # The parser's own usage errors share no public base class, but know how to show themselves.
        shown = getattr(error, "format_message", None)
        if shown is not None:
            context = getattr(error, "ctx", None)
            command = "pneumoscope" if context is None else context.command_path
            # Of a wrong choice the parser also names the type of its error.
            told = shown().replace(": Value error, ", ": ").rstrip(".")
            return _say(f"{told} (see {command} --help)", BAD_INPUT)
        return _fail(error, OUR_FAULT, internal=True)
    if outcome == INTERRUPTED:  # as the parser answers Ctrl-C, without a word
        return _say("interrupted", INTERRUPTED)
    return outcome if isinstance(outcome, int) else DONE


def _fail(error: Exception, code: int, *, internal: bool = False) -> int:
    logger = logging.getLogger("pneumoscope")
    if logger.isEnabledFor(logging.DEBUG):
        logger.debug("", exc_info=error)
    if internal:
        text = f"internal error, please report it: {type(error).__name__}: {error}"
        return _say(f"{text} (run `pneumoscope -v ...` for details)", code)
    return _say(str(error), code)


def _say(text: str, code: int) -> int:
    # The text may quote a file: nothing in it may command the terminal.
    line = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in " ".join(text.split())
    )
    sys.stderr.write(f"pneumoscope: {line}\n")
    return code
