"""The wheel, installed somewhere else, carries its bundle and works."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_wheel_works_from_another_directory(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    wheels, site = tmp_path / "wheels", tmp_path / "site"
    subprocess.run(
        [*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), str(ROOT)], check=True
    )
    (wheel,) = wheels.glob("pneumoscope-*.whl")
    assert wheel.stat().st_size < 45 * 2**20
    subprocess.run(
        [*pip, "install", "--quiet", "--no-deps", "--target", str(site), wheel], check=True
    )

    def run(*arguments: str) -> str:
        # -P and an empty working directory: nothing of the checkout can be imported by accident.
        command = [sys.executable, "-P", "-m", "pneumoscope", *arguments]
        environment = os.environ | {"PYTHONPATH": str(site)}
        return subprocess.run(
            command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
        ).stdout

    assert str(site) in run("bundle", "list")
    run("phantom", "--out", "phantoms", "--count", "1")
    assert '"probabilities"' in run("diagnose", "phantoms/phantom-000000.png", "--json", "-")
