"""Turns scikit-learn's copy of the digits into two IDX files: python make.py digits.csv.gz"""

import csv
import gzip
import struct
import sys

with gzip.open(sys.argv[1], "rt") as file:
    rows = [[int(float(value)) for value in row] for row in csv.reader(file)]
assert len(rows) == 1797
assert all(len(row) == 65 and max(row[:64]) <= 16 and row[64] <= 9 for row in rows)


def write(name, header, values):
    with open(name, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as zipped:
        zipped.write(struct.pack(f">{len(header)}I", *header) + bytes(values))


write("digits-images-idx3-ubyte.gz", (2051, len(rows), 8, 8), [v for row in rows for v in row[:64]])
write("digits-labels-idx1-ubyte.gz", (2049, len(rows)), [row[64] for row in rows])
