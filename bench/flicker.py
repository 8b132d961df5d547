#!/usr/bin/env python3
"""Measures how much stylised films flicker.

    /usr/bin/python3 bench/flicker.py noise PICTURE FOLDER [--frames N] [--sigma S] [--seed N]
    /usr/bin/python3 bench/flicker.py FILM STYLISED [STYLISED ...] [--still] [--frames N]
    /usr/bin/python3 bench/flicker.py --check

A film is a folder of pictures in the order of their names, or a file that ffmpeg reads. All must have the same size and as
many frames. The first command writes a static scene as a camera sees it: the picture, repeated with Gaussian noise of S
levels of 255 (default 3). Stylise it, and measure with --still. For example:

    bench/flicker.py noise photo.jpg still
    for f in still/*.png; do nativestyle stylize "$f" -o wave/$(basename "$f") --model wave; done
    bench/flicker.py still wave --still

The table has a row for each stylised film, in levels of 255:
  change    the mean absolute change between neighbouring frames
  gain      the change divided by that of the film (--still): 1 means that the style passes noise on as it is
  warped    the mean absolute difference between a frame and the frame before, moved along with the scene by the optical flow
            of the film, where the flow forward agrees with the flow backward and is smooth (the tests for disocclusions
            and motion boundaries of Ruder, Dosovitskiy and Brox 2016, "Artistic style transfer for videos"). The film's
            own figure tells what the flow leaves
  counted   the share of pixels for which it agrees
The first frame has no frame before it.

--check measures films that are made of known parts: a moving texture, with no flicker, with a known flicker, and with noise.
It prints what was measured and what was put in, and exits with 1 if they disagree.
"""
import argparse
import itertools
import pathlib
import subprocess
import sys

try:
    import cv2
    import numpy
except ImportError as missing:
    sys.exit(f"flicker.py: {missing}; install Debian's python3-opencv and run /usr/bin/python3")


def read(file):
    """Reads a picture as (height, width, BGR), 0..255 of float32."""
    picture = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if picture is None:
        sys.exit(f"flicker.py: {file} is no picture that OpenCV can read")
    return picture.astype(numpy.float32)


def frames(path):
    """Yields a film's frames, as read does."""
    path = pathlib.Path(path)
    if path.is_dir():
        files = sorted(f for f in path.iterdir() if f.suffix.lower() in (".png", ".jpg", ".jpeg"))
        if not files:
            sys.exit(f"flicker.py: {path} has no pictures (.png, .jpg), expected the frames of a film")
        for file in files:
            yield read(file)
        return
    if not path.is_file():
        sys.exit(f"flicker.py: {path} does not exist, expected a film or a folder of pictures")
    size = subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=width,height", "-of", "csv=p=0:s=x",
         str(path)], capture_output=True, text=True)
    if size.returncode != 0 or "x" not in size.stdout:
        sys.exit(f"flicker.py: {path} is no film that ffmpeg can read: {size.stderr.strip()}")
    width, height = (int(side) for side in size.stdout.split()[0].split("x")[:2])
    decoder = subprocess.Popen(
        ["ffmpeg", "-v", "error", "-noautorotate", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "bgr24", "-"],
        stdout=subprocess.PIPE)
    try:
        while len(data := decoder.stdout.read(3 * width * height)) == 3 * width * height:
            yield numpy.frombuffer(data, numpy.uint8).reshape(height, width, 3).astype(numpy.float32)
    finally:
        decoder.kill()
        decoder.wait()


def moved(image, flow):
    """Takes each pixel of image from where the flow points to. Pixels from outside are not a number."""
    height, width = flow.shape[:2]
    columns, rows = numpy.meshgrid(numpy.arange(width, dtype=numpy.float32), numpy.arange(height, dtype=numpy.float32))
    return cv2.remap(image, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR,
                     borderMode=cv2.BORDER_CONSTANT, borderValue=(numpy.nan,) * 4)


class Flow:
    """From each frame of a film to the one before."""

    def __init__(self):
        self.method = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self.method.setUseSpatialPropagation(True)

    def between(self, before, now):
        """Returns the flow (height, width, 2) from now to before, and where it may be trusted."""
        grays = [cv2.cvtColor(frame.astype(numpy.uint8), cv2.COLOR_BGR2GRAY) for frame in (before, now)]
        backward = self.method.calc(grays[1], grays[0], None)
        forward = moved(self.method.calc(grays[0], grays[1], None), backward)
        squares = (forward ** 2).sum(-1) + (backward ** 2).sum(-1)
        with numpy.errstate(invalid="ignore"):
            agrees = ((forward + backward) ** 2).sum(-1) <= 0.01 * squares + 0.5
        slope = sum((derivative ** 2).sum(-1) for derivative in numpy.gradient(backward, axis=(0, 1)))
        return backward, agrees & (slope <= 0.01 * (backward ** 2).sum(-1) + 0.002)


class Flicker:
    """The sums of one film."""

    def __init__(self):
        self.change, self.warped, self.pairs, self.pixels = 0.0, 0.0, 0, 0

    def add(self, before, now, flow, trusted):
        self.pairs += 1
        self.change += float(numpy.abs(now - before).mean())
        if flow is not None:
            difference = numpy.abs(now - moved(before, flow)).mean(-1)
            counted = trusted & numpy.isfinite(difference)
            self.warped += float(difference[counted].sum())
            self.pixels += int(counted.sum())


def measure(film, stylised, still, most=None):
    """Measures films that are iterables of frames, all at once. Returns a Flicker for the film and each stylised one."""
    flow, results, before, shape = Flow(), [Flicker() for _ in range(1 + len(stylised))], None, None
    for number, group in enumerate(itertools.zip_longest(film, *stylised), 1):
        if any(frame is None for frame in group):
            ended = [str(which) for which, frame in enumerate(group, 1) if frame is None]
            sys.exit(f"flicker.py: only {number - 1} frames in film {', '.join(ended)}, expected as many in all; "
                     f"--frames {number - 1} measures those")
        shape = shape or group[0].shape
        for which, frame in enumerate(group):
            if frame.shape != shape:
                sys.exit(f"flicker.py: frame {number} of film {which + 1} has {frame.shape[1]} x {frame.shape[0]} pixels, "
                         f"expected {shape[1]} x {shape[0]}")
        if before is not None:
            vectors, trusted = (None, None) if still else flow.between(before[0], group[0])
            for result, a, b in zip(results, before, group):
                result.add(a, b, vectors, trusted)
        before = group
        if number == most:
            break
    if results[0].pairs == 0:
        sys.exit("flicker.py: the films have fewer than two frames")
    return results, shape


def table(names, results, shape, still):
    print("| film | pairs | change |" + (" gain |" if still else " warped | counted |"))
    print("| --- | --- | --- |" + (" --- |" if still else " --- | --- |"))
    for name, each in zip(names, results):
        row = f"| {name} | {each.pairs} | {each.change / each.pairs:.3f} |"
        if still:
            row += f" {each.change / max(results[0].change, 1e-9):.2f} |"
        else:
            row += f" {each.warped / max(1, each.pixels):.3f} | {each.pixels / (each.pairs * shape[0] * shape[1]):.0%} |"
        print(row)


def noise(picture, folder, count, sigma, seed):
    picture, folder = read(picture), pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    random = numpy.random.default_rng(seed)
    for n in range(count):
        noisy = numpy.rint(picture + random.normal(0, sigma, picture.shape)).clip(0, 255)
        cv2.imwrite(str(folder / f"{n:04}.png"), noisy.astype(numpy.uint8))


def check():
    """Measures films of known flicker. A texture moves by whole pixels, so that warping loses nothing."""
    random = numpy.random.default_rng(1)
    texture = random.uniform(0, 255, (400, 400, 3)).astype(numpy.float32)
    texture = cv2.GaussianBlur(texture, (0, 0), 3)
    texture = 40 + 170 * (texture - texture.min()) / (texture.max() - texture.min())
    rows = [(2 * n, 3 * n) for n in range(8)]
    film = [texture[y:y + 256, x:x + 320] for y, x in rows]
    sigma, step = 4.0, 6.0
    # Each is a function of the scene alone, plus a change of which the mean absolute value is known.
    inverted = [255 - frame for frame in film]
    blinking = [frame + step * (n % 2) for n, frame in enumerate(film)]
    noisy = [frame + random.normal(0, sigma, frame.shape).astype(numpy.float32) for frame in film]
    (own, *others), _ = measure(film, [inverted, blinking, noisy], still=False)
    # The mean absolute value of a normal difference of deviation s is s sqrt(2 / pi), and here s = sqrt(2) sigma.
    normal = 2 * sigma / numpy.pi ** 0.5
    still = [film[0] + random.normal(0, sigma, film[0].shape).astype(numpy.float32) for _ in range(8)]
    amplified = [film[0] + 1.5 * (frame - film[0]) for frame in still]
    (quiet, loud), _ = measure(still, [amplified], still=True)
    mean = [each.warped / max(1, each.pixels) for each in [own, *others]]
    pixels = 7 * 256 * 320
    rows = [
        ("warped, moving film", mean[0], 0, 0.1), ("warped, inverted film", mean[1], 0, 0.1),
        ("warped, blinking film", mean[2], step, 0.1), ("warped, noisy film", mean[3], normal, 0.1),
        ("counted, moving film", own.pixels / pixels, 1, 0.1), ("change, noise on a still", quiet.change / 7, normal, 0.1),
        ("gain, noise times 1.5", loud.change / quiet.change, 1.5, 0.01)]
    wrong = False
    print("| figure | measured | put in | tolerance |\n| --- | --- | --- | --- |")
    for name, measured, expected, tolerance in rows:
        bad = not abs(measured - expected) <= tolerance
        wrong |= bad
        print(f"| {name} | {measured:.3f} | {expected:.3f} | {tolerance}{' WRONG' if bad else ''} |")
    sys.exit(1 if wrong else 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("films", nargs="*", metavar="FILM")
    parser.add_argument("--still", action="store_true")
    parser.add_argument("--frames", type=int, default=None)
    parser.add_argument("--sigma", type=float, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(2)
    if options.check:
        check()
    if options.films[:1] == ["noise"]:
        if len(options.films) != 3:
            parser.error("noise needs PICTURE and FOLDER")
        noise(*options.films[1:], options.frames or 16, options.sigma, options.seed)
        return
    if len(options.films) < 2:
        parser.error("expected the film and at least one stylised film")
    film, *stylised = options.films
    results, shape = measure(frames(film), [frames(each) for each in stylised], options.still, options.frames)
    table(options.films, results, shape, options.still)


main()
