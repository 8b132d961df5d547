#!/usr/bin/env python3
"""Prints what scipy.io.loadmat reads from each MAT-file of a folder, one line per file, as MatFileTests.Words writes it.

    /usr/bin/python3 make_mat_dump.py FOLDER > mat_dump.txt
"""
import glob
import os
import sys
import numpy as np
from scipy.io import loadmat


def dims(a):
    return "x".join(map(str, a.shape))


def words(a):
    if isinstance(a, np.ndarray) and a.dtype.names:
        flat = a.ravel(order="F")
        return "struct %s {%s}" % (dims(a), " ; ".join(", ".join("%s = %s" % (n, words(e[n])) for n in a.dtype.names) for e in flat))
    if a.dtype == object and a.size and all(e is None for e in a.ravel()):
        return "struct %s {%s}" % (dims(a), " ; ".join("" for _ in a.ravel()))  # without fields
    if a.dtype == object:
        return "cell %s {%s}" % (dims(a), ", ".join(words(e) for e in a.ravel(order="F")))
    if a.dtype.kind == "U":
        # With chars_as_strings=False there is one character in an element, and rows follow each other.
        return "text %s '%s'" % (dims(a), "".join(a.ravel(order="C")))
    return "numbers %s {%s}" % (dims(a), " ".join("%.6g" % float(v.real) for v in a.ravel(order="F")))


for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.mat"))):
    head = open(path, "rb").read(128)
    if head[126:128] not in (b"IM", b"MI") or b"\x02" in (head[124:125] if head[126:128] == b"MI" else head[125:126]):
        continue  # level 4 or 7.3: refused
    try:
        variables = loadmat(path, chars_as_strings=False, struct_as_record=True)
        line = "; ".join("%s: %s" % (n, words(v)) for n, v in sorted(variables.items()) if not n.startswith("__"))
    except AttributeError:
        continue  # MATLAB's own objects: read as nothing
    print(os.path.basename(path) + "\t" + line.replace("\n", "\\n"))
