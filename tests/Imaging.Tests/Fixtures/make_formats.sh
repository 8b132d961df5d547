#!/usr/bin/env bash
# Writes the small pictures in formats/ with ImageMagick 6. Also writes formats.txt: the pixels that Pillow reads from each
# picture, put on white, as hexadecimal bytes of 8 or 16 bits (ImageMagick 6 itself reads TGA upside down). Pillow cannot read
# two of the files; their pixels are those that ImageMagick reads. Profiles are those of Debian's packages colord-data and
# libgs-common.
#   make_formats.sh
set -euo pipefail
cd "$(dirname "$0")"
convert=${CONVERT:-convert-im6.q16}
out=formats
icc=/usr/share/color/icc
rm -rf "$out"; mkdir "$out"
# The picture has odd sides, gradients of every channel, and a few flat areas for run lengths.
"$convert" -size 23x13 gradient:red-blue \( -size 13x23 gradient:black-lime -rotate 90 \) -compose plus -composite \
  -fill orange -draw 'rectangle 3,3 11,7' -depth 8 +set date:create +set date:modify -strip /tmp/formats_rgb.png
"$convert" /tmp/formats_rgb.png \( -size 23x13 gradient:white-gray20 \) -alpha off -compose copy_opacity -composite /tmp/formats_rgba.png
rgb=/tmp/formats_rgb.png rgba=/tmp/formats_rgba.png
"$convert" "$rgb" -type truecolor "BMP3:$out/rgb24.bmp"
"$convert" "$rgb" -colors 16 -type palette "BMP3:$out/palette4.bmp"
"$convert" "$rgb" -colors 200 -type palette -compress none "BMP3:$out/palette8.bmp"
"$convert" "$rgb" -monochrome "BMP3:$out/two.bmp"
"$convert" "$rgba" "$out/alpha.bmp"
"$convert" "$rgb" -type truecolor -compress none "$out/rgb.tga"
"$convert" "$rgb" -type truecolor -compress rle "$out/rle.tga"
"$convert" "$rgba" -compress none "$out/alpha.tga"
"$convert" "$rgb" -colors 60 -type palette -compress none "$out/palette.tga"
"$convert" "$rgb" -colorspace gray -compress none "$out/grey.tga"
"$convert" "$rgb" -colors 60 "$out/plain.gif"
"$convert" "$rgb" -colors 60 -interlace gif "$out/interlaced.gif"
"$convert" "$rgb" -colors 30 -fuzz 5% -transparent orange "$out/transparent.gif"
"$convert" -delay 10 "$rgb" \( "$rgb" -negate \) -colors 60 "$out/two_frames.gif"
"$convert" "$rgb" -type truecolor -compress none "$out/raw.psd"
"$convert" "$rgb" -type truecolor -compress rle "$out/rle.psd"
"$convert" "$rgb" -type truecolor -depth 16 -compress none "$out/deep.psd"
"$convert" "$rgb" -colorspace RGB -evaluate multiply 8 "$out/light.hdr"
"$convert" "$rgb" -quality 80 -sampling-factor 1x1 "$out/plain.jpg"
"$convert" "$rgb" -quality 80 -sampling-factor 2x2 -interlace jpeg "$out/progressive.jpg"
"$convert" "$rgb" -type truecolor -interlace png "$out/interlaced.png"
for profile in "$icc/colord/AdobeRGB1998.icc" "$icc/colord/sRGB.icc" "$icc/ghostscript/default_rgb.icc"; do
  "$convert" "$rgb" -profile "$profile" -quality 90 "$out/$(basename "$profile" .icc).jpg"
  "$convert" "$rgb" -profile "$profile" "$out/$(basename "$profile" .icc).png"
done
"${PYTHON:-python3}" - "$out"/*.{bmp,tga,gif} "$out"/{raw,rle}.psd > formats.txt <<'PY'
import os, sys
import numpy
from PIL import Image
for file in sys.argv[1:]:
    rgba = numpy.asarray(Image.open(file).convert("RGBA")).astype(float) / 255
    alpha = rgba[..., 3:]
    white = alpha * rgba[..., :3] + 1 - alpha
    bits = 8 if (alpha == 1).all() or file.endswith("gif") else 16
    values = numpy.round(white * (2 ** bits - 1)).astype(">u2" if bits == 16 else "u1")
    print(os.path.basename(file), rgba.shape[1], rgba.shape[0], bits, values.tobytes().hex())
PY
printf 'deep.psd %s 8 %s\n' "$("$convert" "$out/deep.psd[0]" -format '%w %h' info:)" \
  "$("$convert" "$out/deep.psd[0]" -depth 8 rgb:- | od -An -v -tx1 | tr -d ' \n')" >> formats.txt
# Writes the light itself, not compressed to the range of a screen.
printf 'light.hdr %s 16 %s\n' "$("$convert" "$out/light.hdr" -format '%w %h' info:)" \
  "$("$convert" "$out/light.hdr" -set colorspace sRGB -depth 16 -endian msb rgb:- | od -An -v -tx1 | tr -d ' \n')" >> formats.txt
