"""Write down what the commands answer, to the last digit, and compare two such files.

    python bench/golden.py FILE.json                  # ask the commands of this checkout
    python bench/golden.py --compare OLD NEW          # two files, or two folders of them

For a change that must change no answer: run it before and after. The commands run in processes of
their own, so this script knows nothing of the package's inside. They are asked of phantoms, made-up
patients and, if $PNEUMOSCOPE_DATA names a folder of real images, of some of these. No sentence (see
WORDING), file name or identifier of a patient is kept, but do not commit what depends on a machine.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# What is worded, by the end of its path, as the documents' schemas describe it: whether it is there
# is kept. A message, such as a course's note, is compared but for its sentence.
WORDING = {
    "text": "all documents: the sentence of a message, beside its code",
    "notice": "all documents",
    "operating_points.rule": "diagnosis: how the threshold was chosen",
    "why_not_outlined": "diagnosis, of a map",
    "fired.because": "severity: the guideline's sentence",
    "bedside.reference": "severity: where the score was published",
    "note": "evaluation: why figures say little",
    "saliency.rule": "evaluation: what decides the verdicts",
    "verdict": "evaluation, of the heatmaps",
}
# What names a real image or a patient: whether it is there is kept.
# When it was made, likewise.
IDENTIFIERS = (
    "provenance.created",
    "sop_instance_uid",
    "series_instance_uid",
    "study_instance_uid",
    "image.identity",
)
LEFT_OUT = tuple(tuple(end.split(".")) for end in (*WORDING, *IDENTIFIERS))

BARAL = ("baral2025", "baral2025-or5", "baral2025-drawn", "baral2025-max", "baral2025-average")
RULE_BASES = ("guideline", *BARAL)
EXAMPLES = {p.stem: json.loads(p.read_text("utf-8")) for p in (ROOT / "examples").glob("*.json")}
COURSE, TYPICAL = EXAMPLES.pop("visits"), EXAMPLES["symptoms"]
ELEVEN = EXAMPLES["symptoms-underrated"].keys()  # the symptoms that baral2025 takes
WELL = dict.fromkeys(TYPICAL, 0.0) | {"fever_value": 36.8, "oxygen_level": 98}
WELL |= {"respiratory_rate": 14, "systolic_pressure": 125}
WORST = dict.fromkeys(TYPICAL, 1.0) | {"fever_value": 40.5, "fever_duration": 12}
WORST |= {"oxygen_level": 82, "respiratory_rate": 36, "systolic_pressure": 84}
BLOOD = {"urea": 14, "arterial_ph": 7.31, "sodium": 128, "glucose": 15, "haematocrit": 28}
CHILD = {"breathlessness": 0.45, "cough_severity": 0.55, "appetite_loss": 0.5, "fever_value": 38.6}
CHILD |= {"oxygen_level": 93, "respiratory_rate": 47, "danger_sign": 0, "chest_indrawing": 0}
IN_DANGER = {"danger_sign": 1, "chest_indrawing": 1, "stridor": 1}
# Symptoms, age and sex, to be asked of every rule base; a refusal is an answer, too.
PATIENTS: dict[str, tuple[dict[str, Any], float | None, str | None]] = {
    **{name: (symptoms, 61, "M") for name, symptoms in sorted(EXAMPLES.items())},
    "of-no-age": (TYPICAL, None, None),
    "well": (WELL, 33, "M"),
    "worst": (WORST | BLOOD | {"pulse": 131, "oxygen_therapy": 1, "cancer": 1}, 81, "M"),
    "hypercapnic": (TYPICAL | {"hypercapnic_target": 1, "oxygen_therapy": 0}, 70, "F"),
    "on-borders": (TYPICAL | {"breathlessness": 0.15, "fatigue": 0.4, "chest_pain": 0.85}, 65, "F"),
    "few-known": ({"oxygen_level": 93.5, "fever_value": 38.05, "urea": 7.1}, 64, None),
    "fahrenheit": (TYPICAL | {"fever_value": {"value": 101.3, "unit": "F"}}, 18, "F"),
    "child-few-known": (CHILD, 3, "M"),
    "child": (TYPICAL | CHILD, 4.9, "F"),
    "child-in-danger": (TYPICAL | CHILD | IN_DANGER, 0.5, "F"),
    "schoolchild": (TYPICAL | CHILD, 9, "M"),
    "impossible": (TYPICAL | {"oxygen_level": 104}, 54, "F"),
}
# Taken in turns by the images: a patient's symptoms, or none, and a rule base.
WITH_IMAGE = [("symptoms-underrated", base) for base in RULE_BASES]
WITH_IMAGE += [(name, "guideline") for name in ("few-known", "child", "child-few-known", "")]
# Real images by set: the columns of labels.csv that make groups, and how many of each group.
SINGLE = {"guangzhou": ("label", 6), "rsna": ("label view", 3), "nih-graded": ("label view", 1)}
SINGLE |= dict.fromkeys(("rsna-lungs", "lungs-tb", "not-chest", "covid-ct"), ("label", 1))
SINGLE |= {"cohen-opacity": ("view", 1), "dicom/other": ("", 2), "dicom/chest": ("", 4)}
BOTH = {"guangzhou": ("label", 15), "rsna": ("label view", 5)}
AGES = {"guangzhou": "3"}  # where labels.csv tells none: its children are of 1 to 5 years
FURTHER_BUNDLES = {"guangzhou": "chest-children", "covid-ct": "covid-ct"}  # beside the default one


def without_wording(value: Any, path: tuple[str, ...] = ()) -> Any:
    """Replace what LEFT_OUT names; done twice, it gives the same."""
    if any(path[-len(end) :] == end for end in LEFT_OUT) and not _is_message(value):
        there = value if value is None or isinstance(value, int) else "(there)"
        return len(value) if isinstance(value, list) else there
    if isinstance(value, dict):
        return {key: without_wording(part, (*path, key)) for key, part in value.items()}
    return [without_wording(v, path) for v in value] if isinstance(value, list) else value


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and "code" in value


def differences(old: Any, new: Any, path: str) -> Iterator[str]:
    """Name each place that is not the same; a number must be written the same, 1 is not 1.0."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            if key in old and key in new:
                yield from differences(old[key], new[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}: only in {'OLD' if key in old else 'NEW'}"
    elif isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            yield f"{path}: {len(old)} entries in OLD, {len(new)} in NEW"
        for index, (one, other) in enumerate(zip(old, new, strict=False)):
            yield from differences(one, other, f"{path}[{index}]")
    elif json.dumps(old) != json.dumps(new):
        yield f"{path}: {json.dumps(old):.60} in OLD, {json.dumps(new):.60} in NEW"


def read_answers(path: Path) -> dict[str, Any]:
    """Give the answers of a file, or of every file of a folder; end where one cannot be read."""
    if path.is_dir():
        files = sorted(path.glob("*.json"))
        return {f"{f.name} {n}": a for f in files for n, a in read_answers(f).items()}
    try:
        answers = json.loads(path.read_text("utf-8"))["answers"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"{path}: not a file of this script ({type(error).__name__}: {error})")
    return {name: without_wording(answer) for name, answer in answers.items()}


def compare(old: Path, new: Path) -> str | None:
    """Print what differs; return why that is a failure, or None where nothing does."""
    before, after = read_answers(old), read_answers(new)
    if not before:
        return f"{old}: holds no answer"
    found = list(differences(before, after, "answers"))
    print("\n".join(found or [f"the same: {len(before)} answers"]))
    return f"{len(found)} differences" if found else None


class Questions:
    """Asks the commands of this checkout, in a folder that is thrown away."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answers: dict[str, Any] = {}
        # This checkout, whatever is installed, and no bundles but the packaged ones.
        own = {"PYTHONPATH": str(ROOT / "src"), "PNEUMOSCOPE_HOME": str(folder / "home")}
        self.environment = os.environ | own
        for name, (symptoms, _, _) in PATIENTS.items():
            self.write(f"{name}.json", json.dumps(symptoms))
            eleven = {key: value for key, value in symptoms.items() if key in ELEVEN}
            self.write(f"{name}-eleven.json", json.dumps(eleven))

    def write(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text, "utf-8")
        return name

    def ask(self, name: str, command: str, *arguments: str, **options: object) -> None:
        """Run a command; an option that is None or empty is not given."""
        line = [sys.executable, "-m", "pneumoscope", "-q", command, *arguments, "--json", "-"]
        for option, value in options.items():
            if value not in (None, ""):
                line += [f"--{option.replace('_', '-')}", str(value)]
        ended = subprocess.run(line, cwd=self.folder, env=self.environment, capture_output=True)
        document = without_wording(json.loads(ended.stdout)) if ended.stdout else None
        self.answers[f"{command} {name}"] = {"exit_code": ended.returncode, "document": document}
        print(f"{len(self.answers)} {command} {name}: {ended.returncode}", file=sys.stderr)

    def severity(self) -> None:
        for name, (_, age, sex) in PATIENTS.items():
            self.ask(name, "severity", symptoms=f"{name}.json", age=age, sex=sex)
            for base in BARAL:
                given = {"symptoms": f"{name}-eleven.json", "age": age, "sex": sex}
                self.ask(f"{name} {base}", "severity", rule_base=base, **given)

    def track(self) -> None:
        for name, course in {"example": COURSE, **made_up_courses()}.items():
            file = self.write(f"visits-{name}.json", json.dumps(course))
            self.ask(f"{name} replay", "track", file, "--replay")
            for base in ("", *RULE_BASES):
                self.ask(f"{name} {base}", "track", file, rule_base=base)

    def diagnose(self, image: str, number: int, of: str, **told: object) -> None:
        symptoms, base = WITH_IMAGE[number % len(WITH_IMAGE)]
        told |= {"symptoms": f"{symptoms}.json", "rule_base": base} if symptoms else {}
        self.ask(f"{image} {of}", "diagnose", image, **told)
        if bundle := FURTHER_BUNDLES.get(of):
            self.ask(f"{image} {of} {bundle}", "diagnose", image, bundle=bundle, **told)

    def phantoms(self) -> None:
        for kind, count in {"png": "6", "dicom": "5", "upside-down": "1"}.items():
            line = [sys.executable, "-m", "pneumoscope", "phantom", "--out", kind, "--seed", "20"]
            line += ["--count", count, *([] if kind == "png" else [f"--{kind}"])]
            subprocess.run(line, cwd=self.folder, env=self.environment, check=True)
            for number, image in enumerate(sorted((self.folder / kind).glob("phantom*"))):
                age = ("", "54", "3")[number % 3]
                self.diagnose(f"{kind}/{image.name}", number + 5 * (kind == "dicom"), kind, age=age)
        self.ask("png", "evaluate", data="png", age_group="adults")
        self.ask("dicom", "evaluate", data="dicom", positive="PNEUMONIA")
        self.ask("png children", "evaluate", data="png", bundle="chest-children")

    def real_images(self, data: Path) -> None:
        rows = self.copied("single", data, SINGLE)
        for number, row in enumerate(rows):
            # Every third time no age is told: then the picture chooses the age group.
            age = row.get("age", AGES.get(row["set"])) if number % 3 else ""
            self.diagnose(row["file"], number, row["set"], age=age, sex=row.get("sex"))
        for row in (*rows[:1], *rows[-1:]):
            whole = (self.folder / row["file"]).read_bytes()
            cut = f"cut{Path(row['file']).suffix}"
            (self.folder / cut).write_bytes(whole[: len(whole) // 2])
            self.diagnose(cut, 0, "cut")

    def real_folders(self, data: Path) -> None:
        if all((data / name).exists() for name in BOTH):
            rows = self.copied("both", data, BOTH)
            self.ask("both", "evaluate", "--by", "view", data="both", by="set")
            young = {"where": "set=guangzhou", "bundle": "chest-children"}
            self.ask("both children", "evaluate", data="both", **young)
            ids = {"rsna_id", *(row.get("rsna_id") for row in rows)}
            lines = (data / "rsna/boxes.csv").read_text("utf-8").splitlines()
            self.write("boxes.csv", "\n".join(line for line in lines if line.split(",")[0] in ids))
            self.ask("both boxes", "evaluate", data="both", where="set=rsna", boxes="boxes.csv")
        if self.copied("slices", data, {"covid-ct": ("label", 6)}):
            self.ask("ct", "evaluate", data="slices", bundle="covid-ct", patient_column="paper_id")

    def copied(self, name: str, data: Path, sets: dict[str, Any]) -> list[dict[str, str]]:
        """Copy images under numbers, with labels.csv; rows of it, `file` with the folder's name."""
        (self.folder / name).mkdir()
        rows = [row | {"set": of} for of, how in sets.items() for row in picked(data / of, *how)]
        for number, row in enumerate(rows):
            image = f"{number:02d}{Path(row['file']).suffix}"
            shutil.copyfile(data / row["set"] / row["file"], self.folder / name / image)
            row["file"] = image
        with (self.folder / name / "labels.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, list(dict.fromkeys(key for row in rows for key in row)))
            table.writeheader()
            table.writerows(rows)
        return [row | {"file": f"{name}/{row['file']}"} for row in rows]


def picked(folder: Path, columns: str, each: int) -> list[dict[str, str]]:
    """Rows of labels.csv, else DICOM files, evenly spaced in each group of these columns."""
    rows = [{"file": path.name} for path in folder.glob("*.dcm")]
    if (folder / "labels.csv").exists():
        rows = list(csv.DictReader((folder / "labels.csv").read_text("utf-8").splitlines()))
    groups: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in sorted(rows, key=lambda row: row["file"]):
        groups.setdefault(tuple(row[column] for column in columns.split()), []).append(row)
    chosen = [(group, min(each, len(group))) for _, group in sorted(groups.items())]
    return [group[len(group) * i // count] for group, count in chosen for i in range(count)]


def made_up_courses() -> dict[str, dict[str, Any]]:
    """Courses from well to worse; the last is to be refused."""
    visits: list[dict[str, Any]] = []
    for day in range(12):
        share = 0.1 + 0.06 * day + day * 7 % 5 / 50
        symptoms = {n: round(WELL[n] + share * (WORST[n] - WELL[n]), 2) for n in sorted(ELEVEN)}
        if day % 4 == 2:
            del symptoms["oxygen_level"]
        visits.append({"time": f"2026-03-{day + 1:02d}T08:30:00+01:00", "symptoms": symptoms})
        if day % 3 == 0:
            visits[-1]["probabilities"] = {"NORMAL": 1 - share, "PNEUMONIA": share}
    fast = [v | {"symptoms": v["symptoms"] | {"respiratory_rate": 27}} for v in visits]
    woman = {"schema_version": 1, "patient": {"age": 67, "sex": "F"}}
    return {
        **{f"{count}-visits": woman | {"visits": visits[:count]} for count in (1, 5, 12)},
        "own-rule-base": woman | {"visits": visits, "rule_base": "baral2025"},
        "child": woman | {"visits": fast[:5], "patient": {"age": 3}},
        "of-no-age": woman | {"visits": visits[:5], "patient": None},
        "same-time": woman | {"visits": visits[:1] * 2},
    }


def ask_all(file: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        questions = Questions(Path(folder))
        for ask in (questions.severity, questions.track, questions.phantoms):
            ask()
        if data := os.environ.get("PNEUMOSCOPE_DATA"):
            questions.real_images(Path(data))
            questions.real_folders(Path(data))
    file.write_text(json.dumps({"answers": questions.answers}, indent=1) + "\n", "utf-8")
    print(f"{file}: {len(questions.answers)} answers")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument("file", type=Path, nargs="?", help="where to write the answers")
    wanted.add_argument("--compare", type=Path, nargs=2, metavar=("OLD", "NEW"))
    given = parser.parse_args()
    if given.compare:
        sys.exit(compare(*given.compare))
    ask_all(given.file)


if __name__ == "__main__":
    main()
