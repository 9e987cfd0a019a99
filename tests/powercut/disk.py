"""The model disk: a write is a wish until it is synced.

Everything that happens is kept in `Disk.trace`.  `Platter` plays a trace again and says what is
left when the power is cut there: what was synced, for certain; of the rest, any 512-byte sector of
any write, whole, torn or not at all, whatever was written later.  A name is as volatile as its
file's bytes until its directory is synced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random

SECTOR = 512

MODES = ("drop", "reorder", "tear")
"""What is left of unsynced writes: some; some, in another order; some, and torn ones."""


@dataclass(frozen=True, slots=True)
class Op:
    """One operation; `file` is a number that a file keeps for life, whatever its name."""

    kind: str
    name: str = ""
    file: int = 0
    offset: int = 0
    data: bytes = b""
    directory: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """An operation that fails with this SQLite code, after `done` of its bytes were written."""

    code: str
    done: float = 0.0


class DiskError(Exception):
    """The disk refused; `code` is the name of SQLite's code for it, `done` counts written bytes."""

    def __init__(self, code: str, done: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.done = done


class Disk:
    """What the running process sees, and the trace of what it did.

    Attributes:
        trace: Every operation that took place, in order.
        fault: Asked before each operation, with its place in the trace.
    """

    def __init__(self, contents: Mapping[str, bytes] | None = None) -> None:
        self.trace: list[Op] = []
        self.fault: Callable[[int, Op], Fault | None] = lambda _, __: None
        self._files = [bytearray(content) for content in (contents or {}).values()]
        self._names = {name: file for file, name in enumerate(contents or {})}

    def cut_at(self, number: int) -> None:
        """Take the power away when the operation with this number is due."""
        self.fault = lambda at, _: Fault("SQLITE_IOERR") if at >= number else None

    def contents(self) -> dict[str, bytes]:
        """Return what every process sees, and a killed one leaves: the kernel still has it all."""
        return {name: bytes(self._files[file]) for name, file in self._names.items()}

    def open(self, name: str | None, *, create: bool) -> int:
        """Return the file called `name`; None is a file that nobody else will ever see."""
        if name in self._names:
            self._do(Op("open", name))
            return self._names[name]
        if not create:
            raise DiskError("SQLITE_CANTOPEN")
        file = len(self._files)
        if name is not None:
            self._do(Op("create", name, file))
            self._names[name] = file
        self._files.append(bytearray())
        return file

    def exists(self, name: str) -> bool:
        """Return whether a file has this name."""
        self._do(Op("access", name))
        return name in self._names

    def link(self, old: str, new: str) -> None:
        """Give the file called `old` another name as well."""
        self._do(Op("create", new, self._names[old]))
        self._names[new] = self._names[old]

    def delete(self, name: str, *, sync: bool) -> None:
        """Take a name away; with `sync`, for good."""
        if name not in self._names:
            raise DiskError("SQLITE_IOERR_DELETE_NOENT")
        self._do(Op("delete", name, directory=sync))
        del self._names[name]

    def sync_directory(self) -> None:
        """Make every name durable."""
        self._do(Op("directory", directory=True))

    def read(self, file: int, offset: int, amount: int) -> bytes:
        """Return what is there, which may be less than was asked for."""
        got = bytes(self._files[file][offset : offset + amount])
        try:
            self._do(Op("read", file=file, offset=offset))
        except DiskError as error:
            if error.code == "SQLITE_IOERR_SHORT_READ":
                return got[: len(got) // 2]
            raise
        return got

    def write(self, file: int, offset: int, data: bytes) -> None:
        """Write; nothing of it is certain before the file is synced."""
        self._do(Op("write", file=file, offset=offset, data=data))

    def truncate(self, file: int, size: int) -> None:
        """Cut the file off, or fill it up with zeros."""
        self._do(Op("truncate", file=file, offset=size))

    def sync(self, file: int, *, directory: bool = False) -> None:
        """Make the file durable, and with `directory` every name as well."""
        self._do(Op("sync", file=file, directory=directory))

    def size(self, file: int) -> int:
        """Return how long the file is."""
        self._do(Op("size", file=file))
        return len(self._files[file])

    def note(self, kind: str, file: int = 0) -> None:
        """Count an operation that changes nothing: a lock."""
        self._do(Op(kind, file=file))

    def _do(self, op: Op) -> None:
        fault = self.fault(len(self.trace), op)
        if fault is None:
            self._happen(op)
            return
        part = op.data[: int(len(op.data) * fault.done)]
        if op.kind == "sync":
            # The kernel calls the pages clean and forgets them: no later sync will write them.
            self._happen(replace(op, kind="forget"))
        elif part:
            self._happen(replace(op, data=part))
        raise DiskError(fault.code, len(part))

    def _happen(self, op: Op) -> None:
        self.trace.append(op)
        if op.kind in ("write", "truncate"):
            put(self._files[op.file], op)


def put(content: bytearray, op: Op) -> None:
    """Write or truncate, as `op` says; a hole is zeros."""
    end = op.offset + len(op.data)
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if op.kind == "truncate":
        del content[op.offset :]
    else:
        content[op.offset : end] = op.data


class Platter:
    """What is certain, and what is still on its way there."""

    def __init__(self, contents: Mapping[str, bytes] | None = None) -> None:
        self._files = {file: bytearray(text) for file, text in enumerate((contents or {}).values())}
        self._names = {name: file for file, name in enumerate(contents or {})}
        self._written: list[Op] = []
        self._named: list[Op] = []

    def play(self, ops: Iterable[Op]) -> None:
        """Let these operations happen."""
        for op in ops:
            if op.kind in ("sync", "forget"):
                self._settle(op)
            self._wish(op)
            if op.directory and op.kind != "forget":
                _rename(self._names, self._named)
                self._named = []

    def _settle(self, op: Op) -> None:
        for written in self._written:
            if written.file == op.file and op.kind == "sync":
                put(self._files.setdefault(op.file, bytearray()), written)
        self._written = [written for written in self._written if written.file != op.file]

    def _wish(self, op: Op) -> None:
        if op.kind in ("write", "truncate"):
            self._written.append(op)
        elif op.kind in ("create", "delete"):
            self._named.append(op)

    def left_to_kernel(self) -> dict[str, bytes]:
        """Return what is on the disk when the kernel has written everything that it still will."""
        names, files = (
            dict(self._names),
            {file: bytearray(text) for file, text in self._files.items()},
        )
        _rename(names, self._named)
        for op in self._written:
            put(files.setdefault(op.file, bytearray()), op)
        return {name: bytes(files.get(file, b"")) for name, file in names.items()}

    def after_cut(self, mode: str, random: Random, due: Op | None = None) -> dict[str, bytes]:
        """Return what is on the disk when the power comes back; `due` was under way as it went."""
        written, named = list(self._written), list(self._named)
        if due is not None and due.kind in ("write", "truncate"):
            written.append(due)
        if due is not None and due.kind in ("create", "delete"):
            named.append(due)
        luck = random.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        names = dict(self._names)
        _rename(names, [op for op in named if random.random() < luck])
        files = {file: bytearray(self._files.get(file, b"")) for file in names.values()}
        for op in _survivors(written, mode, luck, random):
            if op.file in files:
                put(files[op.file], op)
        return {name: bytes(files[file]) for name, file in names.items()}


def _rename(names: dict[str, int], ops: Iterable[Op]) -> None:
    for op in ops:
        if op.kind == "create":
            names[op.name] = op.file
        else:
            names.pop(op.name, None)


def _survivors(written: Iterable[Op], mode: str, luck: float, random: Random) -> Iterator[Op]:
    pieces = [piece for op in written for piece in _sectors(op)]
    if mode == "reorder":
        random.shuffle(pieces)
        yield from pieces[: round(len(pieces) * luck)]
        return
    for piece in pieces:
        if random.random() >= luck:
            continue
        yield _torn(piece, random) if mode == "tear" and random.random() < 0.3 else piece


def _sectors(op: Op) -> Iterator[Op]:
    """Yield a write sector by sector: each of them finds its own way to the disk."""
    if op.kind == "truncate":
        yield op
        return
    start, end = op.offset, op.offset + len(op.data)
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        yield replace(op, offset=start, data=op.data[start - op.offset : stop - op.offset])
        start = stop


def _torn(piece: Op, random: Random) -> Op:
    """Return the front of a sector's write, its back, or its front with noise behind it."""
    if piece.kind == "truncate":
        return piece
    cut = random.randrange(len(piece.data))
    match random.randrange(3):
        case 0:
            return replace(piece, data=piece.data[:cut])
        case 1:
            return replace(piece, offset=piece.offset + cut, data=piece.data[cut:])
        case _:
            return replace(piece, data=piece.data[:cut] + random.randbytes(len(piece.data) - cut))
