"""A man in the middle who misbehaves: a proxy between the workers and the sandbox, on loopback, over real sockets.

    with FaultProxy(sandbox_port) as proxy:
        proxy.strike("reset_after_recording", share=0.4)
        ...
        proxy.calm()

It stands where Luminate stands for the relay, and knows for each call whether the request was passed on whole. What
a fault does is in `tests/support/faults.py`.
"""

import contextlib
import random
import socket
import struct
import threading
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

from tests.support.faults import FAULTS, LONGEST_SILENCE, Call, Exchange, Fault, Gone, read_head

KEPT_REPLIES = 20


@dataclass(slots=True)
class Plan:
    """What strikes now: each of the faults with an equal chance, altogether on this share of the calls."""

    faults: tuple[Fault, ...] = ()
    share: float = 0.0
    servlets: tuple[str, ...] = ()
    seconds: float = 1.5
    stop: threading.Event = field(default_factory=threading.Event)


class FaultProxy:
    """Listens on a free port of 127.0.0.1 and passes on to another; one thread a connection."""

    def __init__(self, upstream_port: int, *, seed: int = 7) -> None:
        self.calls: list[Call] = []
        self.replies: deque[bytes] = deque(maxlen=KEPT_REPLIES)
        self._upstream_port = upstream_port
        self._chance = random.Random(seed)
        self._plan = Plan()
        self._idle: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listening: socket.socket | None = None
        self.port = 0
        self.listen()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.calm()
        self.refuse()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def strike(
        self, *names: str, share: float = 0.4, servlets: tuple[str, ...] = ("SRDonationAPI",), seconds: float = 1.5
    ) -> None:
        """From now on, until `calm`. ``seconds`` is longer than the caller's patience."""
        self.calm()
        self._plan = Plan(tuple(FAULTS[name] for name in names), share, servlets, seconds)
        if "refused" in names:
            threading.Thread(target=self._come_and_go, args=(self._plan.stop,), daemon=True).start()

    def calm(self) -> None:
        """Pass everything on, as a good line does."""
        self._plan.stop.set()
        self._plan = Plan()
        self.listen()

    def struck(self) -> Counter[str]:
        """How often each fault struck a call."""
        return Counter(call.fault for call in list(self.calls) if call.fault)

    def listen(self) -> None:
        """Take connections (again)."""
        with self._lock:
            if self._listening is None:
                self._listening = socket.create_server(("127.0.0.1", self.port), backlog=256)
                self.port = self._listening.getsockname()[1]
                threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def refuse(self) -> None:
        """Take no more connections: "connection refused". Connections without a request on them are closed."""
        with self._lock:
            listening, self._listening = self._listening, None
            idle = list(self._idle)
        if listening is not None:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept
            listening.close()
        for connection in idle:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def upstream(self) -> Iterator[socket.socket]:
        try:
            there = socket.create_connection(("127.0.0.1", self._upstream_port), timeout=LONGEST_SILENCE)
        except OSError:
            raise Gone from None  # the sandbox is down: so is the line
        with there:
            there.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield there

    def _come_and_go(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self.refuse()
            self.calls.append(Call("", fault="refused"))
            stop.wait(0.7)
            self.listen()
            stop.wait(0.7)
        self.listen()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError, Gone, ValueError), connection:
            if self._chosen("", "reset_on_connect"):
                self.calls.append(Call("", fault="reset_on_connect"))
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            while self._one(connection):
                pass

    def _one(self, connection: socket.socket) -> bool:
        """One request of a connection; whether another may follow."""
        with self._lock:
            self._idle.add(connection)
        try:
            found = read_head(connection)
        finally:
            with self._lock:
                self._idle.discard(connection)
        if found is None:
            return False
        head, rest = found
        servlet = head.split(b" ")[1].decode("latin-1").rpartition("/")[2]
        call = Call(servlet)
        self.calls.append(call)
        x = Exchange(self.upstream, self.replies, connection, head, rest, call, self._plan.seconds)
        fault = self._chosen(servlet)
        if fault is not None and fault.act is not None:
            call.fault = fault.name
            fault.act(x)
        else:
            x.read()
            x.send(x.pass_on())
            call.answered = True
        return not any(one.name == "reset_on_connect" for one in self._plan.faults)

    def _chosen(self, servlet: str, wanted: str = "") -> Fault | None:
        """The fault that strikes now, if one does."""
        plan = self._plan
        faults = [one for one in plan.faults if (one.name == wanted if wanted else one.act is not None)]
        with self._lock:
            if not faults or (servlet not in plan.servlets and not wanted) or self._chance.random() >= plan.share:
                return None
            return self._chance.choice(faults)
