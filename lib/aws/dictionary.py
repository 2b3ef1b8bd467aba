#!/usr/bin/env python3
"""Makes src/table/item/dictionary-v3.bin: the text of src/table/item/dictionary-v2.txt with the entropy tables of sample
documents.

  STEVEDORE_SAMPLES=FOLDER cargo test -p stevedore-tests --test suite an_order_with_its_sale_and_revision_is_one_unit
  lib/aws/dictionary.py FOLDER

Needs libzstd (Debian's libzstd1). Without the tables each document would carry its own, about sixty bytes of seven hundred.
Stored documents stay readable, because another dictionary gets another number in src/table/item/codec.rs.
"""

import ctypes
import pathlib
import sys

LEVEL = 6
# One byte, should a frame name it.
DICTIONARY_ID = 3

here = pathlib.Path(__file__).parent / "src" / "table" / "item"


class Parameters(ctypes.Structure):
    _fields_ = [("level", ctypes.c_int), ("notifications", ctypes.c_uint), ("id", ctypes.c_uint)]


def finalize(content: bytes, samples: list[bytes]) -> bytes:
    zstd = ctypes.CDLL("libzstd.so.1")
    zstd.ZDICT_finalizeDictionary.restype = ctypes.c_size_t
    size = ctypes.c_size_t
    zstd.ZDICT_finalizeDictionary.argtypes = [
        ctypes.c_void_p, size, ctypes.c_void_p, size, ctypes.c_void_p, ctypes.POINTER(size), ctypes.c_uint, Parameters,
    ]
    room = ctypes.create_string_buffer(len(content) + 4096)
    sizes = (size * len(samples))(*map(len, samples))
    parameters = Parameters(LEVEL, 0, DICTIONARY_ID)
    length = zstd.ZDICT_finalizeDictionary(room, len(room), content, len(content), b"".join(samples), sizes, len(samples), parameters)
    if zstd.ZDICT_isError(ctypes.c_size_t(length)):
        sys.exit("libzstd cannot make a dictionary of these samples")
    return room.raw[:length]


samples = [path.read_bytes() for path in sorted(pathlib.Path(sys.argv[1]).glob("*.json"))]
made = finalize((here / "dictionary-v2.txt").read_bytes(), samples)
(here / "dictionary-v3.bin").write_bytes(made)
print(f"{len(samples)} samples, {len(made)} bytes")
