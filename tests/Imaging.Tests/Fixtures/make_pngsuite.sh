#!/usr/bin/env bash
# Writes pngsuite.txt: the values that netpbm's pngtopnm (libpng) reads from each PngSuite picture at 12 places. Colours and
# alpha are read as encoded and put on white here, in units of 1/65535.
#   make_pngsuite.sh FOLDER_WITH_PNGSUITE > pngsuite.txt
set -euo pipefail
for file in "$1"/[a-wyzA-W]*.png; do
  # pngtopnm rescales by sBIT, which only states how precise the samples were. Without sBIT they come as encoded.
  python3 - "$file" > /tmp/plain.png <<'PYTHON'
import struct, sys
data = open(sys.argv[1], "rb").read()
out, at = data[:8], 8
while at < len(data):
    size = 12 + struct.unpack(">I", data[at:at + 4])[0]
    if data[at + 4:at + 8] != b"sBIT":
        out += data[at:at + size]
    at += size
sys.stdout.buffer.write(out)
PYTHON
  pngtopnm /tmp/plain.png > /tmp/color.pnm
  pngtopnm -alpha /tmp/plain.png > /tmp/alpha.pgm
  python3 - "$(basename "$file")" <<'PYTHON'
import sys

def read(path):
    f = open(path, "rb")
    tokens = []
    while len(tokens) < (3 if tokens and tokens[0] == b"P4" else 4):
        tokens += f.readline().split(b"#")[0].split()
    kind, width, height = tokens[0], int(tokens[1]), int(tokens[2])
    data = f.read()
    if kind == b"P4":
        row = (width + 7) // 8
        return width, height, 1, 1, [1 - (data[y * row + x // 8] >> (7 - x % 8) & 1) for y in range(height) for x in range(width)]
    largest = int(tokens[3])
    channels = 3 if kind == b"P6" else 1
    values = list(data) if largest < 256 else [data[i] << 8 | data[i + 1] for i in range(0, len(data), 2)]
    return width, height, channels, largest, values

width, height, channels, largest, color = read("/tmp/color.pnm")
_, _, _, opaque, alpha = read("/tmp/alpha.pgm")
line = [sys.argv[1], str(width), str(height)]
for k in range(12):
    p = min(k * width * height // 12 + k * 7 % max(1, width // 3), width * height - 1)
    a = alpha[p] / opaque
    rgb = [a * color[channels * p + c % channels] / largest + 1 - a for c in range(3)]
    line.append("%d:%s" % (p, ",".join(str(round(65535 * v)) for v in rgb)))
print(" ".join(line))
PYTHON
done
