"""`pneumoscope bundle`: what models there are, and under which terms."""

from __future__ import annotations

from typing import Annotated

import typer

from pneumoscope.errors import BundleError

app = typer.Typer(help="List model bundles and show their cards.")


@app.command("list")
def list_bundles() -> None:
    """List the bundles that have a name.

    They are in $PNEUMOSCOPE_HOME/bundles and in the package. One line each:
    name, version, kind of image, classes, training sets and folder, with tabs
    between them.
    """
    from pneumoscope.bundles import available_bundles, read_bundle

    for name, folder in available_bundles().items():
        try:
            description = read_bundle(folder).description
        except BundleError as error:
            typer.echo(f"{name}\tnot usable: {error}")
            continue
        sets = ", ".join(part.name for part in description.training_sets)
        classes = ", ".join(description.classes)
        told = (
            name,
            f"version {description.version}",
            f"reads {description.reads}s",
            classes,
            f"trained on {sets}",
            folder,
        )
        typer.echo("\t".join(map(str, told)))


@app.command("info")
def info(
    bundle: Annotated[
        str | None, typer.Argument(metavar="NAME|PATH", help="The bundle; chest if not given.")
    ] = None,
) -> None:
    """Verify a bundle and print its card.

    Checks every file against its checksum, and prints folder, checksum, terms
    and card.
    """
    from pneumoscope.bundles import find_bundle
    from pneumoscope.reports import plain

    found = find_bundle(bundle)
    typer.echo(f"{found.folder}\nsha256 {found.sha256} (all files verified)\n")
    for text in (found.licence, found.card):
        # A bundle may come from anywhere, and its texts must not command the terminal.
        typer.echo("\n".join(map(plain, text.splitlines())) + "\n")
