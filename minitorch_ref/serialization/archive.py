"""The container of a `.pt` file: a zip archive of uncompressed, aligned records.

The idea: torch's files are zip archives that could also be mapped into memory.  Every record is
stored as it is, and starts at a multiple of 64 bytes, reached with a filler in the zip header's
"extra" field.  `ArchiveWriter` lays bytes out exactly as torch's own writer (`inline_container.cc`
over miniz) does; `ArchiveReader` reads with the standard library's `zipfile`, and trusts nothing:
sizes are checked against the file before any memory is asked for, and checksums are verified.
"""

from __future__ import annotations

import hashlib
import os
import struct
import zipfile
import zlib
from typing import IO, Any

import numpy as np

ALIGNMENT = 64
_WIDE_FROM = 0xFFFFFFFF  # sizes and offsets from here on go into the zip64 extension ...
_IN_EXTENSION = 0xFFFFFFFF  # ... and this stands in their place
_MASK64 = (1 << 64) - 1
_CHUNK = 1 << 20


class ArchiveWriter:
    """Write records to a stream that need not be seekable; `close()` writes the directory."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self._stream = stream
        self._prefix = name + "/"
        self._cursor = 0
        self._directory: list[bytes] = []
        self._fingerprint = 0  # of all checksums so far
        self._names = hashlib.blake2b(digest_size=8)

    def write(self, name: str, data: bytes | memoryview) -> None:
        """Append one record."""
        path = (self._prefix + name).encode()
        crc, size, start = zlib.crc32(data), len(data), self._cursor
        # Sizes and checksum follow the data (flag 8, not for empty records); names are UTF-8.
        flags = 0x0808 if size else 0x0800
        wide = self._wide_fields(size, start)
        extra = wide + self._filler(len(path) + len(wide))
        header = struct.pack(
            "<4s5H3L2H", b"PK\3\4", 0, flags, 0, 0, 0, 0, 0, 0, len(path), len(extra)
        )
        self._put(header + path + extra)
        self._put(data)
        if size:
            form = "<4sL2Q" if wide else "<4s3L"
            self._put(struct.pack(form, b"PK\7\10", crc, size, size))
        small = _narrow(size)
        entry = struct.pack(
            "<4s6H3L5H2L", b"PK\1\2", 0, 0, flags, 0, 0, 0, crc, small, small,
            len(path), len(wide), 0, 0, 0, 0, _narrow(start),
        )  # fmt: skip
        self._directory.append(entry + path + wide)
        self._names.update(path + b"\n")
        if size:  # torch skips empty records
            self._fingerprint = _mix(self._fingerprint, crc)

    def close(self) -> None:
        """Write the format's version, the fingerprint of the contents, and the directory."""
        self.write("version", b"3\n")
        names = int.from_bytes(self._names.digest(), "little")
        self.write(".data/serialization_id", f"{names:020}{self._fingerprint:020}".encode())
        start, count = self._cursor, len(self._directory)
        self._put(b"".join(self._directory))
        end = self._cursor
        size = end - start
        wide = (b"PK\6\6", 44, 0x031E, 45, 0, 0, count, count, size, start)
        self._put(struct.pack("<4sQ2H2L4Q", *wide))
        self._put(struct.pack("<4sLQL", b"PK\6\7", 0, end, 1))
        count = min(count, 0xFFFF)
        last = (b"PK\5\6", 0, 0, count, count, _narrow(size), _narrow(start), 0)
        self._put(struct.pack("<4s4H2LH", *last))

    def _put(self, data: bytes | memoryview) -> None:
        self._stream.write(data)
        self._cursor += len(data)

    def _wide_fields(self, size: int, start: int) -> bytes:
        """The zip64 extra field, present only where 32 bits do not suffice."""
        fields = [size, size] if size >= _WIDE_FROM else []
        fields += [start] if start >= _WIDE_FROM else []
        return struct.pack(f"<2H{len(fields)}Q", 1, 8 * len(fields), *fields) if fields else b""

    def _filler(self, before: int) -> bytes:
        """An extra field 'FB' whose length brings the data to the next multiple of 64."""
        pad = -(self._cursor + 30 + before + 4) % ALIGNMENT
        return struct.pack("<2sH", b"FB", pad) + b"Z" * pad


def _narrow(number: int) -> int:
    return number if number < _WIDE_FROM else _IN_EXTENSION


def _mix(seed: int, value: int) -> int:
    """boost::hash_combine on 64 bits, with which torch combines the checksums."""
    return (seed ^ (value + 0x9E3779B9 + ((seed << 6) & _MASK64) + (seed >> 2))) & _MASK64


class ArchiveReader:
    """The records of one archive.  Raises RuntimeError, naming the file, for whatever is broken."""

    def __init__(self, stream: IO[bytes], source: str) -> None:
        self._source = source
        length = stream.seek(0, os.SEEK_END)
        try:
            self._zip = zipfile.ZipFile(stream)
            entries = self._zip.infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, OSError,
                struct.error, OverflowError) as error:  # fmt: skip
            raise self._failure(
                f"failed reading zip archive: failed finding central directory ({error})"
            ) from None
        if not entries:
            raise self._failure("failed reading zip archive: it has no records")
        self._prefix = entries[0].filename.split("/")[0] + "/"
        self._entries = {entry.filename: entry for entry in entries}
        if sum(entry.compress_size for entry in entries) > length:
            raise self._failure("records are larger than the file, or overlap")

    def __contains__(self, name: str) -> bool:
        return self._prefix + name in self._entries

    def read(self, name: str) -> bytes:
        """The bytes of a record."""
        return self.read_array(name).tobytes()

    def size(self, name: str) -> int:
        """The length of a record, which the file is large enough to hold."""
        entry = self._entry(name)
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
            # torch never compresses; a compressed record may unpack to anything (a zip bomb)
            raise self._failure(f"file {name} is compressed; records of a .pt file never are")
        return entry.file_size

    def read_array(self, name: str) -> np.ndarray:
        """A record as a fresh uint8 array; its checksum is verified."""
        data = np.empty(self.size(name), np.uint8)
        view, done = memoryview(data), 0  # type: ignore[arg-type]
        try:
            with self._zip.open(self._entry(name)) as record:
                while done < len(view):
                    count = record.readinto(view[done : done + _CHUNK])  # type: ignore[attr-defined]
                    if not count:
                        break
                    done += count
        except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, NotImplementedError,
                struct.error) as error:  # fmt: skip
            raise self._failure(f"failed reading file {name}: {error}") from None
        if done != len(view):
            raise self._failure(f"failed reading file {name}: it is cut short")
        return data

    def _entry(self, name: str) -> zipfile.ZipInfo:
        try:
            return self._entries[self._prefix + name]
        except KeyError:
            raise self._failure(f"failed locating file {name}: file not found") from None

    def _failure(self, what: str) -> RuntimeError:
        return RuntimeError(
            f"PytorchStreamReader {what}. The file {self._source} is corrupted, incomplete, "
            "or no torch checkpoint."
        )


def is_archive(stream: Any) -> bool:
    """Whether the stream, at its position, starts as a zip archive does; the position stays."""
    start = stream.tell()
    head = stream.read(4)
    stream.seek(start)
    return head == b"PK\3\4"
