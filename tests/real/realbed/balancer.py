"""A balancer before several pods, whose rotation a story changes, and steady load on it."""

import os
import queue
import threading
import time
from pathlib import Path

from . import echo, wait
from .process import Process

_PROGRAM = Path(__file__).resolve().parent / "balance.py"


class Balancer:
    """Takes connections on an address of its own for the pods in rotation; a context manager."""

    def __init__(self, bed, ports, pods):
        """ports maps the ports that it listens on to those of the pods."""
        label = bed.new_name("balancer")
        folder = bed.folder / label
        folder.mkdir()
        self._bed = bed
        self._file = folder / "rotation"
        self.rotate(pods)
        self._namespace, self.address = bed.network.add(label)
        self._process = Process("balance", ["/usr/bin/python3", _PROGRAM, self.address, self._file,
                                            *(f"{port}:{target}" for port, target in ports.items())],
                                folder, namespace=self._namespace)
        self._process.wait_log("ready", 20)

    def rotate(self, pods):
        """Only these pods get new connections from now on."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text("".join(f"{pod.address}\n" for pod in pods))
        os.rename(fresh, self._file)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stop()
        self._bed.network.remove(self._namespace)


class Load:
    """Steady new connections with one question each, `rate` a second; a context manager that keeps count."""

    def __init__(self, namespace, address, port, rate, *, timeout=3.0, workers=16):
        """timeout is that of one question, connection included; none is asked a second time."""
        self._target = (namespace, address, port)
        self._timeout = timeout
        self._interval = 1 / rate
        self._due = queue.Queue()
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self.answers, self.failures = {}, []
        self.started = time.monotonic()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]
        self._threads.append(threading.Thread(target=self._pace, daemon=True))
        for thread in self._threads:
            thread.start()

    def _pace(self):
        due = time.monotonic()
        while not self._stopped.is_set():
            self._due.put(due)
            due += self._interval
            self._stopped.wait(max(0.0, due - time.monotonic()))
        for _ in self._threads:
            self._due.put(None)

    def _work(self):
        while self._due.get() is not None:
            began = time.monotonic()
            try:
                answer = echo.who(*self._target, timeout=self._timeout)
                if time.monotonic() - began > self._timeout:
                    raise TimeoutError("connection and answer together took too long")
            except OSError as error:
                with self._lock:
                    self.failures.append((time.monotonic() - self.started, repr(error)))
                continue
            with self._lock:
                self.answers[answer.source] = self.answers.get(answer.source, 0) + 1

    def count(self):
        with self._lock:
            return sum(self.answers.values())

    def wait_more(self, count, deadline):
        """Waits until so many more questions have been answered."""
        target = self.count() + count
        wait.wait_for(lambda: self.count() >= target, deadline, f"{count} more answers")

    def rate(self):
        """Answers a second since the start."""
        return self.count() / (time.monotonic() - self.started)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stopped.set()
        for thread in self._threads:
            thread.join(10)
