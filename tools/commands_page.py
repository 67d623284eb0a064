"""Write the generated parts of docs/reference/cli.md from the commands themselves.

python tools/commands_page.py            writes the page
python tools/commands_page.py --check    ends with 1 if the page is stale

A generated part stands between `<!-- generated: NAME -->` and `<!-- end -->`, where NAME is a
command, or `inputs` for the table of the severity's inputs. All else is written by hand.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from typer import Typer
from typer.models import ArgumentInfo

from pneumoscope.cli.app import app
from pneumoscope.cli.help import input_groups

PAGE = Path(__file__).parents[1] / "docs/reference/cli.md"
PART = re.compile(r"(<!-- generated: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> int:
    old = PAGE.read_text("utf-8")
    new = with_generated_parts(old)
    if "--check" in sys.argv[1:]:
        if new != old:
            sys.stderr.write(f"{PAGE}: stale; run python tools/commands_page.py\n")
        return int(new != old)
    PAGE.write_text(new, "utf-8")
    return 0


def with_generated_parts(page: str) -> str:
    """Return the page with each generated part made again.

    Raises
    ------
    ValueError
        A command has no part, or a part no command.
    """
    parts = {name: command_part(name, call) for name, call in commands(app, "")}
    parts["inputs"] = inputs_part()
    named = [match[2] for match in PART.finditer(page)]
    if sorted(named) != sorted(parts):
        raise ValueError(f"parts of the page: {sorted(set(named) ^ set(parts))} do not match")
    return PART.sub(lambda match: f"{match[1]}\n{parts[match[2]]}\n\n{match[3]}", page)


def commands(group: Typer, prefix: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield each command's whole name and its function."""
    for command in group.registered_commands:
        assert command.callback is not None
        yield f"{prefix}{command.name}", command.callback
    for inner in group.registered_groups:
        yield from commands(inner.typer_instance, f"{prefix}{inner.name} ")


def command_part(name: str, call: Callable[..., Any]) -> str:
    hints = get_type_hints(call, include_extras=True)
    usage, rows = [], []
    for parameter in inspect.signature(call).parameters.values():
        kind, info = get_args(hints[parameter.name])[:2]
        required = parameter.default is parameter.empty
        written = _written(parameter.name, kind, info)
        more = " ..." if _is_list(kind) else ""
        if isinstance(info, ArgumentInfo) or required:
            usage.append(f"{written}{more}" if required else f"[{written}{more}]")
        rows.append((written, f"{info.help}{_default(parameter.default)}"))
    if len(rows) > sum(1 for piece in usage):
        usage.append("[OPTIONS]")
    parts = [_fenced(f"pneumoscope {' '.join([name, *usage])}"), _prose(call)]
    if rows:
        parts.append(_table(("argument or option", "meaning"), rows))
    return "\n\n".join(parts)


def inputs_part() -> str:
    parts = []
    for title, rows in input_groups().items():
        parts += [f"{title}:", _table(("name", "meaning"), rows)]
    return "\n\n".join(parts)


def _written(name: str, kind: Any, info: Any) -> str:
    """How the argument or option is typed, such as `--sex M|F`."""
    choices = _choices(kind)
    value = "|".join(choices) if choices else info.metavar
    if isinstance(info, ArgumentInfo):
        return value or name.upper()
    long = next((d for d in info.param_decls or () if d.startswith("--")), None)
    option = long or f"--{name.replace('_', '-')}"
    return option if kind is bool else f"{option} {value}"


def _choices(kind: Any) -> tuple[str, ...]:
    for each in (kind, *get_args(kind)):
        if get_origin(each) is Literal:
            return get_args(each)
    return ()


def _is_list(kind: Any) -> bool:
    return any(get_origin(each) is list for each in (kind, *get_args(kind)))


def _default(value: Any) -> str:
    if value is inspect.Parameter.empty:
        return " Required."
    return "" if value in (None, False, "") else f" Default: `{value}`."


def _prose(call: Callable[..., Any]) -> str:
    """The docstring; a paragraph that begins with a backspace keeps its lines, as in the help."""
    paragraphs = inspect.cleandoc(call.__doc__ or "").split("\n\n")
    return "\n\n".join(
        _fenced(each.removeprefix("\b\n")) if each.startswith("\b") else each for each in paragraphs
    )


def _fenced(text: str) -> str:
    return f"```\n{text}\n```"


def _table(head: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    lines = [f"| {' | '.join(head)} |", "| --- | --- |"]
    for name, meaning in rows:
        cells = (f"`{name}`".replace("|", r"\|"), meaning.replace("|", r"\|"))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
