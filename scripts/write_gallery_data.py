"""Write the made-up data of the gallery, each in the shape of the data whose place it takes.

Packed files differ with the library that packs them, so what is written is not compared.
"""

from __future__ import annotations

import gzip
import io
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sklearn
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy.io import wavfile
from sklearn.datasets import make_multilabel_classification, make_regression

FOLDER = Path(__file__).resolve().parents[1] / "configs" / "gallery" / "data"
Column = NDArray[Any]
Random = np.random.Generator


def main() -> None:
    """Writes all files."""
    write(higgs(np.random.default_rng(1)), "higgs.csv.gz", header=False)
    write(heart(np.random.default_rng(2)), "heart.csv")
    write(frauds(np.random.default_rng(3)), "creditcard.csv.gz")
    write(pets(np.random.default_rng(4)), "petfinder-mini.csv.gz")
    write(bike_hours(np.random.default_rng(5)), "bike-hours.csv.gz")
    districts = housing(np.random.default_rng(6))
    for number in range(20):
        write(districts[number::20], f"housing/part_{number:02}.csv")
    write(sonar(np.random.default_rng(7)), "sonar.csv.gz", header=False)
    write_several()
    write_pictures(np.random.default_rng(8), "flowers", FLOWERS, 24)
    write_pictures(np.random.default_rng(9), "cats-dogs", ANIMALS, 48)
    write_pictures(np.random.default_rng(10), "damaged", ANIMALS, 24)
    for place, name in ((300, "cats/004"), (0, "cats/017"), (500, "dogs/011")):
        path = FOLDER / "damaged" / f"{name}.jpg"
        path.write_bytes(path.read_bytes()[:place])
    write_words(np.random.default_rng(11))
    write_scans(np.random.default_rng(12))
    write_text()


def write(table: pd.DataFrame, name: str, header: bool = True) -> None:
    """Writes a table, packed where its name says so."""
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    text = table.to_csv(index=False, header=header, lineterminator="\n").encode()
    path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)


def logistic(values: Column) -> Column:
    """Returns probabilities."""
    return 1 / (1 + np.exp(-values))


def higgs(random: Random, rows: int = 2500) -> pd.DataFrame:
    """Returns collisions: the class, 21 measured numbers and 7 made of them, all around 1."""
    measured = random.normal(0, 1, (rows, 21))
    made = np.stack(
        [measured[:, i] * measured[:, i + 7] - 0.5 * measured[:, i + 14] for i in range(7)], axis=1
    )
    signal = made @ np.array([0.9, -0.7, 0.5, 0.6, -0.4, 0.3, 0.2])
    positive = random.uniform(size=rows) < logistic(0.8 * signal)
    numbers = np.round(np.concatenate([measured, made], axis=1), 2)
    return pd.DataFrame(np.column_stack([positive, numbers])).astype({0: int})


def heart(random: Random, rows: int = 303) -> pd.DataFrame:
    """Returns patients: numbers, codes and one column of words, as the Cleveland table has them."""
    age = np.clip(random.normal(54, 9, rows), 29, 77).astype(int)
    sex, pain = random.integers(0, 2, rows), random.integers(0, 5, rows)
    vessels = random.choice([0, 1, 2, 3], rows, p=[0.58, 0.22, 0.13, 0.07])
    thal = random.choice(["normal", "reversible", "fixed"], rows, p=[0.55, 0.39, 0.06])
    oldpeak = np.round(random.exponential(1.1, rows), 1)
    fastest = np.clip(210 - age - random.normal(5, 20, rows), 71, 202).astype(int)
    risk = 0.8 * sex + 0.4 * (pain > 3) + 0.8 * vessels + 0.9 * (thal == "reversible")
    risk = risk + 0.6 * oldpeak - 0.03 * (fastest - 150) + 0.8 * ((age > 55) & (sex == 1)) - 3.6
    return pd.DataFrame(
        {
            "age": age,
            "sex": sex,
            "cp": pain,
            "trestbps": np.clip(random.normal(131, 17, rows), 94, 200).astype(int),
            "chol": np.clip(random.normal(246, 51, rows), 126, 564).astype(int),
            "fbs": random.integers(0, 7, rows) // 6,
            "restecg": random.integers(0, 3, rows),
            "thalach": fastest,
            "exang": random.integers(0, 3, rows) // 2,
            "oldpeak": oldpeak,
            "slope": random.integers(1, 4, rows),
            "ca": vessels,
            "thal": thal,
            "target": (random.uniform(size=rows) < logistic(2.5 * (risk + 0.5))).astype(int),
        }
    )


def frauds(random: Random, rows: int = 4000, share: float = 0.012) -> pd.DataFrame:
    """Returns payments in the order of time; few are frauds, some plain and some hidden."""
    fraud = random.uniform(size=rows) < share
    numbers = random.normal(0, np.linspace(1.9, 0.4, 28), (rows, 28))
    shift = np.zeros(28)
    shift[[2, 3, 9, 10, 11, 13, 16]] = [-3.0, 2.2, -2.5, 1.8, -2.8, -3.2, -2.6]
    numbers += np.outer(fraud * random.uniform(0.2, 1.1, rows), shift)
    amount = np.round(np.exp(random.normal(3.1 + 0.4 * fraud, 1.6, rows)), 2)
    columns: dict[str, Column] = {"Time": np.sort(random.integers(0, 172_792, rows))}
    columns |= {f"V{i + 1}": np.round(numbers[:, i], 2) for i in range(28)}
    return pd.DataFrame({**columns, "Amount": amount, "Class": fraud.astype(int)})


def pets(random: Random, rows: int = 3000) -> pd.DataFrame:
    """Returns animals of a shelter, and how soon each was adopted: 0 at once, 4 not at all."""
    kind = random.choice(["Dog", "Cat"], rows, p=[0.54, 0.46])
    breeds = np.where(kind == "Dog", "Mixed Breed", "Domestic Short Hair")
    other = np.where(kind == "Dog", "Labrador Retriever", "Tabby")
    breed = np.where(random.uniform(size=rows) < 0.7, breeds, other)
    age = np.minimum(random.geometric(0.09, rows), 180)
    photos = random.poisson(3.4, rows)
    fur = random.choice(["Short", "Medium", "Long"], rows, p=[0.57, 0.33, 0.1])
    health = random.choice(
        ["Healthy", "Minor Injury", "Serious Injury"], rows, p=[0.96, 0.035, 0.005]
    )
    sterilized = random.choice(["No", "Yes", "Not Sure"], rows, p=[0.67, 0.2, 0.13])
    charm = 0.25 * np.minimum(photos, 6) - 0.07 * age + 0.8 * (fur == "Long")
    charm = (
        charm + 0.5 * (breed == other) - 1.2 * (sterilized == "Yes") + random.logistic(0, 0.4, rows)
    )
    return pd.DataFrame(
        {
            "Type": kind,
            "Age": age,
            "Breed1": breed,
            "Gender": random.choice(["Male", "Female"], rows),
            "Color1": random.choice(["Black", "Brown", "Golden", "White", "Gray"], rows),
            "Color2": random.choice(["White", "No Color", "Brown", "Cream"], rows),
            "MaturitySize": random.choice(["Small", "Medium", "Large"], rows, p=[0.3, 0.6, 0.1]),
            "FurLength": fur,
            "Vaccinated": random.choice(["No", "Yes", "Not Sure"], rows, p=[0.45, 0.42, 0.13]),
            "Sterilized": sterilized,
            "Health": health,
            "Fee": np.where(random.uniform(size=rows) < 0.85, 0, random.integers(1, 30, rows) * 10),
            "PhotoAmt": photos,
            "AdoptionSpeed": 4 - np.digitize(charm, [-1.0, 0.2, 1.3, 3.0]),
        }
    )


def bike_hours(random: Random, rows: int = 4000) -> pd.DataFrame:
    """Returns hours of a bicycle rental, with those of members and of others, and their sum."""
    time = pd.date_range("2011-01-01", periods=rows, freq="3h")
    hour, day = time.hour.to_numpy(), time.dayofyear.to_numpy()
    workday = (time.weekday.to_numpy() < 5).astype(int)
    weather = random.choice([1, 2, 3], rows, p=[0.66, 0.26, 0.08])
    temp = 20 - 11 * np.cos((day - 15) / 365 * 2 * np.pi) + random.normal(0, 3, rows)
    rush = np.exp(-((hour - 8) ** 2) / 4) + np.exp(-((hour - 17.5) ** 2) / 6)
    leisure = np.exp(-((hour - 14) ** 2) / 18)
    good = np.exp(0.045 * (temp - 20) - 0.35 * (weather - 1))
    growth = 1 + 0.5 * np.arange(rows) / rows
    registered = growth * good * (12 + 260 * rush * workday + 150 * leisure * (1 - workday))
    casual = good * (2 + 20 * leisure * workday + 90 * leisure * (1 - workday))
    counts = random.poisson([casual * random.gamma(12, 1 / 12, rows), registered])
    return pd.DataFrame(
        {
            "datetime": time.strftime("%Y-%m-%d %H:%M:%S"),
            "season": (day % 365) // 92 + 1,
            "holiday": (random.uniform(size=rows) < 0.03).astype(int),
            "workingday": workday,
            "weather": weather,
            "temp": np.round(temp, 2),
            "humidity": np.clip(random.normal(62, 19, rows), 15, 100).astype(int),
            "windspeed": np.round(random.gamma(2.4, 5.3, rows), 1),
            "casual": counts[0],
            "registered": counts[1],
            "count": counts.sum(axis=0),
        }
    )


def housing(random: Random, rows: int = 3000) -> pd.DataFrame:
    """Returns districts of California: where they lie, who lives there, the value of a house."""
    income = np.round(np.exp(random.normal(1.25, 0.45, rows)), 4)
    places = ["<1H OCEAN", "INLAND", "NEAR OCEAN", "NEAR BAY"]
    place = random.choice(places, rows, p=[0.44, 0.32, 0.13, 0.11])
    worth = {"<1H OCEAN": 1.0, "INLAND": 0.6, "NEAR OCEAN": 1.15, "NEAR BAY": 1.25}
    age = random.integers(1, 53, rows)
    rooms = np.round(4.2 + 0.35 * income + random.normal(0, 0.9, rows), 2)
    factor = np.array([worth[name] for name in place])
    value = factor * (0.35 + 0.42 * income + 0.004 * age) * np.exp(random.normal(0, 0.18, rows))
    return pd.DataFrame(
        {
            "MedInc": income,
            "HouseAge": age,
            "AveRooms": rooms,
            "Population": random.geometric(1 / 1400, rows),
            "AveOccup": np.round(np.clip(random.normal(2.9, 0.6, rows), 1, 8), 2),
            "Latitude": np.round(random.uniform(32.6, 41.9, rows), 2),
            "Longitude": np.round(random.uniform(-124.3, -114.4, rows), 2),
            "ocean_proximity": place,
            "MedianHouseValue": np.round(np.clip(value, 0.15, 5.0), 3),
        }
    )


def sonar(random: Random, rows: int = 208) -> pd.DataFrame:
    """Returns echoes: the strength in 60 bands, from 0 to 1, of rocks (R) and of mines (M)."""
    mine = random.uniform(size=rows) < 0.53
    band = np.arange(60)
    peak = np.where(mine, 27, 22) + random.normal(0, 5, rows)
    width = np.where(mine, 9, 13) + random.normal(0, 1.5, rows)
    shape = np.exp(-(((band - peak[:, None]) / width[:, None]) ** 2))
    strength = np.clip(0.8 * shape + random.normal(0, 0.13, (rows, 60)), 0, 1)
    table = pd.DataFrame(np.round(strength, 4))
    return table.assign(kind=np.where(mine, "M", "R"))


def write_several() -> None:
    """Writes rows with several numbers, and with several labels, as scikit-learn makes them."""
    x, y = make_regression(
        n_samples=1000, n_features=10, n_informative=5, n_targets=3, random_state=2
    )
    write(_columns({"x": np.round(x, 3), "y": np.round(y, 2)}), "three-numbers.csv.gz")
    x, y = make_multilabel_classification(
        n_samples=1000, n_features=10, n_classes=3, n_labels=2, random_state=1
    )
    write(_columns({"x": x.astype(int), "y": y}), "three-labels.csv.gz")


def write_text() -> None:
    """Writes one long text: what scikit-learn says of its data sets, one behind the other."""
    found = sorted((Path(sklearn.__file__).parent / "datasets" / "descr").glob("*.rst"))
    text = "\n\n".join(path.read_text(encoding="utf-8") for path in found)
    (FOLDER / "data-sets.txt").write_bytes(text.encode())


def _columns(arrays: Mapping[str, Column]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            f"{key}{i + 1}": array[:, i]
            for key, array in arrays.items()
            for i in range(array.shape[1])
        }
    )


RATE = 8000
WORDS = {"down": (1400, 400), "no": (700, 700), "up": (400, 1400)}
"""The pitch at the begin and the end of each word, in hertz."""


def write_words(random: Random, count: int = 24) -> None:
    """Writes whistled words of differing length, pitch and strength, in noise, as WAV of 8 bits."""
    for name, (begin, end) in WORDS.items():
        (FOLDER / "words" / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            samples = int(random.integers(2000, 3600))
            pitch = np.linspace(begin, end, samples) * random.uniform(0.7, 1.4)
            sound = np.sin(2 * np.pi * np.cumsum(pitch) / RATE) * random.uniform(0.1, 0.5)
            sound += random.normal(0, 0.1, samples)
            whole = np.clip(np.round(sound * 128 + 128), 0, 255).astype(np.uint8)
            wavfile.write(FOLDER / "words" / name / f"{number:03}.wav", RATE, whole)


def write_scans(random: Random, count: int = 30) -> None:
    """Writes scans of a chest, as of CT; in one lung of the ill there is a dense ball."""
    sides = (18, 18, 10)
    x, y, z = np.meshgrid(*[np.linspace(-1, 1, side) for side in sides], indexing="ij")
    for name in ("ill", "healthy"):
        (FOLDER / "ct-scans" / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            wide, side = random.uniform(0.85, 0.95), random.choice([-1, 1])
            scan = np.where((x / wide) ** 2 + (y / 0.75) ** 2 < 1, 40.0, -1000.0)
            for lung in (-0.4, 0.4):
                scan[((x - lung) / 0.3) ** 2 + (y / 0.5) ** 2 + (z / 0.9) ** 2 < 1] = -850
            place = side * 0.4, *random.uniform((-0.25, -0.4), (0.25, 0.4))
            away = sum((axis - at) ** 2 for axis, at in zip((x, y, z), place, strict=True))
            if name == "ill":
                scan[away < random.uniform(0.2, 0.27) ** 2] = 0
            scan = np.clip(20 * np.round((scan + random.normal(0, 40, sides)) / 20), -1024, 400)
            write_nifti(FOLDER / "ct-scans" / name / f"{number:03}.nii.gz", scan)


def write_nifti(path: Path, scan: NDArray[Any]) -> None:
    """Writes a volume of Hounsfield units: int16 from -1024 on, as many scanners store them."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *scan.shape, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, 4, 16)  # int16
    struct.pack_into("<8f", header, 76, *[1] * 8)
    struct.pack_into("<3f", header, 108, 352, 1, -1024)
    header[344:348] = b"n+1\0"
    values = (scan + 1024).astype("<i2").tobytes(order="F")
    path.write_bytes(gzip.compress(bytes(header) + values, mtime=0))


FLOWERS = {"daisy": (8, "white"), "dandelion": (16, "gold"), "roses": (5, "crimson")}
FLOWERS |= {"sunflowers": (12, "orange"), "tulips": (3, "deeppink")}
"""Petals and their colour."""
ANIMALS = {"cats": (0, "tan"), "dogs": (0, "sienna")}


def write_pictures(
    random: Random, folder: str, classes: Mapping[str, tuple[int, str]], count: int
) -> None:
    """Writes small drawings into a folder for each class, JPEG of differing sizes."""
    for name, (petals, colour) in classes.items():
        (FOLDER / folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            size = (int(random.integers(40, 64)), int(random.integers(40, 64)))
            ground = tuple(int(v) for v in random.integers(40, 150, 3))
            picture = Image.new("RGB", size, ground)
            draw = ImageDraw.Draw(picture)
            if petals:
                draw_flower(draw, random, size, petals, colour)
            else:
                draw_animal(draw, random, size, name, colour)
            path = FOLDER / folder / name / f"{number:03}.jpg"
            content = io.BytesIO()
            _noisy(picture, random).save(content, "JPEG", quality=60)
            path.write_bytes(content.getvalue())


def _noisy(picture: Image.Image, random: Random) -> Image.Image:
    pixels = np.asarray(picture, np.float32)
    return Image.fromarray(np.clip(pixels + random.normal(0, 8, pixels.shape), 0, 255).astype("u1"))


def draw_flower(
    draw: ImageDraw.ImageDraw, random: Random, size: tuple[int, int], petals: int, colour: str
) -> None:
    """Draws petals around a centre."""
    x, y = (side / 2 + random.uniform(-6, 6) for side in size)
    length, turn = random.uniform(12, 19), random.uniform(0, 2 * np.pi)
    round_ = length * (0.55 if petals < 8 else 0.28)
    for petal in range(petals):
        angle = turn + 2 * np.pi * petal / petals
        px, py = x + 0.65 * length * np.cos(angle), y + 0.65 * length * np.sin(angle)
        draw.ellipse((px - round_, py - round_, px + round_, py + round_), fill=colour)
    draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill="saddlebrown" if petals > 5 else colour)


def draw_animal(
    draw: ImageDraw.ImageDraw, random: Random, size: tuple[int, int], name: str, colour: str
) -> None:
    """Draws a head: a cat's ears are pointed and stand, a dog's hang, and its nose is large."""
    x, y = (side / 2 + random.uniform(-7, 7) for side in size)
    r = random.uniform(10, 16)
    fur = colour if random.uniform() < 0.5 else "dimgray"
    for side in (-1, 1):
        if name == "cats":
            tip = (x + side * r, y - 1.7 * r)
            draw.polygon([(x + side * 0.2 * r, y - 0.8 * r), tip, (x + side * r, y)], fill=fur)
        else:
            ear = sorted((x + side * 0.8 * r, x + side * 1.4 * r))
            draw.ellipse((ear[0], y - 0.7 * r, ear[1], y + 0.9 * r), fill=fur)
    draw.ellipse((x - r, y - r, x + r, y + r), fill=fur)
    for side in (-1, 1):
        eye = (x + side * 0.4 * r, y - 0.2 * r)
        draw.ellipse((eye[0] - 2, eye[1] - 2, eye[0] + 2, eye[1] + 2), fill="black")
    nose = 0.14 * r if name == "cats" else 0.32 * r
    draw.ellipse((x - nose, y + 0.4 * r - nose, x + nose, y + 0.4 * r + nose), fill="black")


if __name__ == "__main__":
    main()
