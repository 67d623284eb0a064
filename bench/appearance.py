"""How chest radiographs and CT slices are told apart by the picture, and how seldom wrongly.

    python bench/appearance.py --ct FOLDER [--ct-recipe RECIPE.yaml] [--write] FOLDER [FOLDER ...]

The folders are labelled ones of chest radiographs (an equal `patient_id` is the same patient in
all), that of `--ct` is of CT slices, whose papers the recipe tells. Patients, and papers, are
parted into two halves by a hash of their names. On the first half a logistic regression is fitted,
to the pictures and to altered copies of them, and both scores from which it is believed are chosen;
on the second everything is measured. `--write` puts the coefficients into the package, which is
measured without it.
A second table fits on one folder of radiographs and measures on the others: what an unknown
hospital may expect.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import yaml

from pneumoscope.evaluation import Manifest, read_manifest
from pneumoscope.findings import ImageKind
from pneumoscope.imaging import read_radiograph
from pneumoscope.imaging.appearance import COEFFICIENTS, edge_directions
from pneumoscope.metrics import bootstrap

STORED = Path(__file__).parents[1] / "src" / "pneumoscope" / "imaging" / COEFFICIENTS
CT_RECIPE = Path(__file__).parents[1] / "recipes" / "covid-ct.yaml"
SIDE = 256  # of the pictures that are altered; the check itself reduces to 128
COPIES = 3  # altered ones of each picture, to fit on
STRENGTH = 0.3  # of the fit: inverse of the L2 penalty, as scikit-learn has it
CT_QUANTILE, RADIOGRAPH_QUANTILE, TYPICAL_QUANTILE = 0.05, 0.99, 0.995
Grey = np.ndarray
Change = Callable[[Grey], Grey]


@dataclass(frozen=True)
class Pictures:
    grey: list[Grey]
    is_ct: np.ndarray
    folder: np.ndarray
    group: np.ndarray
    first: np.ndarray  # in the half that is fitted on

    def directions(self, change: Change | None = None) -> np.ndarray:
        return np.array([flat(grey if change is None else change(grey)) for grey in self.grey])


@dataclass(frozen=True)
class Typical:
    mean: np.ndarray
    spread: np.ndarray
    farthest: float

    def holds(self, directions: np.ndarray) -> np.ndarray:
        return distances(directions, self.mean, self.spread) <= self.farthest


@dataclass(frozen=True)
class Model:
    weights: np.ndarray
    intercept: float
    ct_from: float
    radiograph_below: float
    ct: Typical
    radiograph: Typical

    def scores(self, directions: np.ndarray) -> np.ndarray:
        return directions @ self.weights + self.intercept

    def says_ct(self, directions: np.ndarray) -> np.ndarray:
        return (self.scores(directions) >= self.ct_from) & self.ct.holds(directions)

    def says_radiograph(self, directions: np.ndarray) -> np.ndarray:
        below = self.scores(directions) < self.radiograph_below
        return below & self.radiograph.holds(directions)


def distances(directions: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    return np.sqrt((((directions - mean) / spread) ** 2).mean(axis=1))


def flat(grey: Grey) -> np.ndarray:
    pixels = np.ascontiguousarray(grey).astype(np.float32) / np.float32(255)
    return edge_directions(pixels).ravel()


def read_slices(folder: Path, recipe: Path) -> Manifest:
    contents = yaml.safe_load(recipe.read_text("utf-8"))
    told = [*contents["sources"], *contents["also_measured"]]
    return read_manifest(
        folder,
        patient_column=told[0]["patient_column"],
        same_patient=[group for source in told for group in source["same_patient"]],
    )


def read_all(radiographs: list[Path], ct: Path, recipe: Path) -> Pictures:
    grey, is_ct, folders, groups = [], [], [], []
    for folder in (*radiographs, ct):
        manifest = read_slices(folder, recipe) if folder == ct else read_manifest(folder)
        for image in manifest.images:
            pixels = read_radiograph(image.path).pixels
            height, width = pixels.shape
            scale = min(1, SIDE / max(height, width))
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
            grey.append(np.rint(np.clip(small, 0, 1) * 255).astype(np.uint8))
            is_ct.append(folder == ct)
            folders.append(folder.name)
            groups.append(f"{'paper' if folder == ct else 'patient'} {image.patient_id}")
    first = [hashlib.sha256(name.encode()).digest()[0] % 2 == 0 for name in groups]
    return Pictures(grey, *(np.array(each) for each in (is_ct, folders, groups, first)))


# Alterations


def jpeg(quality: int) -> Change:
    def change(grey: Grey) -> Grey:
        _, data = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)

    return change


def side(pixels: int) -> Change:
    def change(grey: Grey) -> Grey:
        scale = pixels / max(grey.shape)
        size = (round(grey.shape[1] * scale), round(grey.shape[0] * scale))
        return cv2.resize(grey, size, interpolation=cv2.INTER_AREA)

    return change


def border(level: int, *shares: float) -> Change:
    def change(grey: Grey) -> Grey:
        height, width = grey.shape
        sides = zip(shares, (height, height, width, width), strict=True)
        widths = [round(share * length) for share, length in sides]
        return cv2.copyMakeBorder(grey, *widths, cv2.BORDER_CONSTANT, value=level)

    return change


def cut(top: float, bottom: float, left: float, right: float) -> Change:
    def change(grey: Grey) -> Grey:
        height, width = grey.shape
        rows = slice(round(top * height), height - round(bottom * height))
        return grey[rows, round(left * width) : width - round(right * width)]

    return change


def levels(function: Callable[[np.ndarray], np.ndarray]) -> Change:
    table = np.rint(np.clip(function(np.arange(256) / 255), 0, 1) * 255).astype(np.uint8)
    return lambda grey: table[grey]


def turned(degrees: float) -> Change:
    def change(grey: Grey) -> Grey:
        height, width = grey.shape
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
        return cv2.warpAffine(grey, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)

    return change


def quarters(turns: int) -> Change:
    return lambda grey: np.rot90(grey, turns)


def sharper(amount: float, sigma: float) -> Change:
    def change(grey: Grey) -> Grey:
        blurred = cv2.GaussianBlur(grey, (0, 0), sigma).astype(np.float64)
        return np.rint(np.clip(grey + amount * (grey - blurred), 0, 255)).astype(np.uint8)

    return change


def clahe(clip: float, tiles: int) -> Change:
    return lambda grey: cv2.createCLAHE(clip, (tiles, tiles)).apply(grey)


def mirrored(grey: Grey) -> Grey:
    return grey[:, ::-1]


inverted = levels(lambda x: 1 - x)

ALTERED: dict[str, Change] = {
    "inverted": inverted,
    "mirrored": mirrored,
    "JPEG at quality 20": jpeg(20),
    "longest side 64": side(64),
    "longest side 512": side(512),
    "black border of 15% all round": border(0, *4 * (0.15,)),
    "white border of 10% all round": border(255, *4 * (0.1,)),
    "black border of 30% at one side": border(0, 0, 0, 0.3, 0),
    "inverted, then a black border of 10%": lambda grey: border(0, *4 * (0.1,))(inverted(grey)),
    "10% cut off each side": cut(*4 * (0.1,)),
    "gamma 0.6": levels(lambda x: x**0.6),
    "gamma 1.6": levels(lambda x: x**1.6),
    "darkest and brightest 15% of the scale clipped": levels(lambda x: (x - 0.15) / 0.7),
    "CLAHE (clip 3, 8 x 8)": clahe(3, 8),
    "unsharp mask (1.5, 3 pixels)": sharper(1.5, 3),
    "squeezed to a square": lambda grey: cv2.resize(grey, (224, 224)),
    "turned by 5 degrees": turned(5),
    "turned by 90 degrees": quarters(1),
    "turned by 180 degrees": quarters(2),
}


def at_random(rng: np.random.Generator) -> Change:
    """Some alterations after each other, each with its own chance, at strengths of their own."""
    possible: list[tuple[float, Change]] = [
        (0.15, clahe(rng.uniform(1, 4), int(rng.integers(2, 9)))),
        (0.15, sharper(rng.uniform(0.3, 2), rng.uniform(1, 6))),
        (0.5, levels(clipped(rng.uniform(0, 0.2), rng.uniform(0.8, 1)))),
        (0.5, cut(*rng.uniform(0, 0.14, 4))),
        (0.4, turned(rng.uniform(-8, 8))),
        (0.5, levels(power(np.exp(rng.uniform(-0.5, 0.5))))),
        (0.5, inverted),
        (0.5, border(int(rng.choice([0, 128, 255])), *rng.uniform(0, 0.15, 4))),
        (0.4, side(int(rng.integers(64, 257)))),
        (0.5, jpeg(int(rng.integers(15, 95)))),
    ]
    chosen = [change for chance, change in possible if rng.random() < chance]

    def change(grey: Grey) -> Grey:
        for one in chosen:
            grey = one(np.ascontiguousarray(grey))
        return grey

    return change


def clipped(low: float, high: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: (x - low) / (high - low)


def power(exponent: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: x**exponent


# Fit and measure


def fit(plain: np.ndarray, copies: list[np.ndarray], is_ct: np.ndarray, rows: np.ndarray) -> Model:
    """Fit on some pictures and their copies, and choose both scores there.

    A picture counts as CT from half-way between the highest score of any radiograph or copy and the
    score that 95 of 100 CT slices reach; as a radiograph below the score that 99 of 100 radiographs
    stay below; and as either only where it is as near to the mean of its kind as 199 of 200 are.
    """
    from sklearn.linear_model import LogisticRegression

    directions = np.concatenate([part[rows] for part in (plain, *copies)])
    truth = np.tile(is_ct[rows], 1 + len(copies))
    # In tenths: the penalty then is about right.
    logistic = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=5000)
    logistic.fit(10 * directions, truth)
    weights, intercept = 10 * logistic.coef_[0], float(logistic.intercept_[0])
    scores = directions @ weights + intercept
    reached = np.quantile(plain[rows & is_ct] @ weights + intercept, CT_QUANTILE)
    return Model(
        weights=weights,
        intercept=intercept,
        ct_from=float((scores[~truth].max() + reached) / 2),
        radiograph_below=float(np.quantile(scores[~truth], RADIOGRAPH_QUANTILE)),
        ct=typical(plain[rows & is_ct]),
        radiograph=typical(plain[rows & ~is_ct]),
    )


def typical(directions: np.ndarray) -> Typical:
    mean, spread = directions.mean(axis=0), directions.std(axis=0)
    return Typical(
        mean, spread, float(np.quantile(distances(directions, mean, spread), TYPICAL_QUANTILE))
    )


def rate(hits: np.ndarray, groups: np.ndarray) -> str:
    """A share with its 95% interval over patients or papers, who are drawn whole.

    Where none is hit, the bound is the exact one (Clopper and Pearson) of as many patients.
    """
    if not hits.any():
        number = len(set(groups))
        return f"0 of {hits.size}, of {number} (at most {100 * (1 - 0.025 ** (1 / number)):.2f}%)"
    drawn = bootstrap({"rate": lambda w: w @ hits / w.sum(axis=1)}, list(groups))["rate"]
    assert drawn.value is not None
    told = "" if drawn.low is None else f" ({100 * drawn.low:.1f} to {100 * drawn.high:.1f})"
    return f"{int(hits.sum())} of {hits.size}: {100 * drawn.value:.2f}%{told}"


def tell(
    name: str, model: Model, directions: np.ndarray, pictures: Pictures, rows: np.ndarray
) -> None:
    print(name)
    groups = pictures.group
    as_ct, as_radiograph = model.says_ct(directions), model.says_radiograph(directions)
    for folder in dict.fromkeys(pictures.folder[rows & ~pictures.is_ct]):
        mine = rows & (pictures.folder == folder)
        margin = model.ct_from - model.scores(directions[mine]).max()
        taken, known = rate(as_ct[mine], groups[mine]), rate(as_radiograph[mine], groups[mine])
        print(f"  {folder}: taken for CT {taken}, nearest {margin:+.1f} away; known {known}")
    ct = rows & pictures.is_ct
    caught, taken = rate(as_ct[ct], groups[ct]), rate(as_radiograph[ct], groups[ct])
    print(f"  CT slices caught {caught}; taken for radiographs {taken}")


def write(model: Model) -> None:
    shape = edge_directions(np.eye(64, dtype=np.float32)).shape
    stored = {
        "made_by": "bench/appearance.py",
        "kinds": {"high": ImageKind.CHEST_CT, "low": ImageKind.CHEST_RADIOGRAPH},
        "ct_from": round(model.ct_from, 3),
        "radiograph_below": round(model.radiograph_below, 3),
        "intercept": round(model.intercept, 3),
        "weights": np.round(model.weights, 3).reshape(shape).tolist(),
        **{
            name: {
                "farthest": round(kind.farthest, 3),
                "mean": np.round(kind.mean, 4).reshape(shape).tolist(),
                "spread": np.round(kind.spread, 4).reshape(shape).tolist(),
            }
            for name, kind in (("ct", model.ct), ("radiograph", model.radiograph))
        },
    }
    STORED.write_text(json.dumps(stored, indent=1) + "\n", "utf-8")


def stored() -> Model:
    values = json.loads(STORED.read_text("utf-8"))
    ct, radiograph = (
        Typical(
            np.array(values[name]["mean"]).ravel(),
            np.array(values[name]["spread"]).ravel(),
            values[name]["farthest"],
        )
        for name in ("ct", "radiograph")
    )
    return Model(
        weights=np.array(values["weights"]).ravel(),
        intercept=values["intercept"],
        ct_from=values["ct_from"],
        radiograph_below=values["radiograph_below"],
        ct=ct,
        radiograph=radiograph,
    )


def unknown_hospitals(pictures: Pictures, plain: np.ndarray, copies: list[np.ndarray]) -> None:
    for folder in dict.fromkeys(pictures.folder[~pictures.is_ct]):
        mine = pictures.folder == folder
        model = fit(plain, copies, pictures.is_ct, np.where(pictures.is_ct, pictures.first, mine))
        rest = np.where(pictures.is_ct, ~pictures.first, ~mine)
        # A patient who is in both folders is no unknown one.
        rest &= ~np.isin(pictures.group, pictures.group[mine])
        tell(f"radiographs of {folder} alone", model, plain, pictures, rest)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("radiographs", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--ct", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--ct-recipe", type=Path, default=CT_RECIPE, metavar="RECIPE.yaml")
    parser.add_argument("--write", action="store_true", help="put the fit into the package")
    given = parser.parse_args()
    pictures = read_all(given.radiographs, given.ct, given.ct_recipe)
    rng = np.random.default_rng(0)
    plain = pictures.directions()
    copies = [pictures.directions(lambda grey: at_random(rng)(grey)) for _ in range(COPIES)]
    if given.write:
        write(fit(plain, copies, pictures.is_ct, pictures.first))
    model, second = stored(), ~pictures.first
    print(f"CT from {model.ct_from}, radiograph below {model.radiograph_below}")
    tell("second half, as it is", model, plain, pictures, second)
    for name, change in ALTERED.items():
        tell(name, model, pictures.directions(change), pictures, second)
    random = pictures.directions(lambda grey: at_random(rng)(grey))
    tell("several alterations at random", model, random, pictures, second)
    print("\nfitted to one folder of radiographs, measured on the others:")
    unknown_hospitals(pictures, plain, copies)


if __name__ == "__main__":
    main()
