"""The processes of one function: as on Lambda, each has one invocation at a time."""
import atexit
import logging
import os
import threading
import time
import uuid

from .text import dumps, now_ms
from .worker import Worker, failure

# So many at most: each is a process of 15 to 50 MB, and an instance of the Consumption plan has 1.5 GB.
MOST = 16
# So many are started without waiting.
BASE = max(2, (os.cpu_count() or 1) * 2)
# Invocations that have waited this long are reason for more, in seconds.
PATIENCE = 0.1
# Idle ones end after this long, in seconds.
IDLE = 600

logger = logging.getLogger("semantest")
logger.setLevel(logging.INFO)


class Job:
    """One invocation. Lines that it prints are kept for the thread that waits: the host tells by the thread whose
    they are."""

    def __init__(self, event, trace_id):
        self.event, self.trace_id = event, trace_id
        self.request_id = str(uuid.uuid4())
        self.started = None
        self.payload = self.error_type = None
        self.duration = 0
        self.taken = threading.Event()
        self.done = threading.Event()
        self.lines = []

    def answer(self, payload, error_type=None):
        self.payload, self.error_type = payload, error_type
        self.duration = now_ms() - self.started if self.started else 0
        self.taken.set()
        self.done.set()

    def tell(self):
        lines, self.lines = self.lines, None
        for line in lines:
            logger.info(line)


class Pool:
    def __init__(self, definition, settings, environment, credentials):
        self.definition, self.settings = definition, settings
        self.environment, self.credentials = environment, credentials
        self.changed = threading.Condition()
        self.queue, self.alive, self.idle = [], set(), 0

    def invoke(self, event, trace_id, seconds):
        """Runs the function on an event (JSON bytes): the job, or nothing where it takes longer than `seconds`."""
        job = Job(event, trace_id)
        with self.changed:
            self.queue.append(job)
            starting = sum(not worker.ready for worker in self.alive)
            if len(self.queue) > self.idle + starting and len(self.alive) < BASE:
                self.alive.add(Worker(self))
            self.changed.notify()
        until = None if seconds is None else time.monotonic() + seconds
        while not job.taken.wait(PATIENCE if until is None else min(PATIENCE, max(0, until - time.monotonic()))):
            self.grow()
            if until and time.monotonic() > until:
                break
        done = job.done.wait(None if until is None else max(0, until - time.monotonic()))
        if not done:
            self.forget(job)
        job.tell()
        return job if done else None

    def forget(self, job):
        """What nobody waits for any more is not begun; what was begun goes on."""
        with self.changed:
            if job in self.queue:
                self.queue.remove(job)

    def grow(self):
        with self.changed:
            starting = any(not worker.ready for worker in self.alive)
            if self.queue and not self.idle and not starting and len(self.alive) < MOST:
                self.alive.add(Worker(self))

    def take(self, worker):
        """The next job for a process; nothing where it has been idle for long, or has ended."""
        with self.changed:
            self.idle += 1
            self.changed.wait_for(lambda: self.queue or worker.gone.is_set(), IDLE)
            self.idle -= 1
            if worker.gone.is_set() or not self.queue:
                if self.queue:
                    self.changed.notify()
                job = None
            else:
                job = self.queue.pop(0)
        if job is None:
            worker.kill()
            return None
        job.taken.set()
        return job

    def ended(self, worker, failed):
        """`failed`: why it never became ready."""
        with self.changed:
            self.alive.discard(worker)
            job = self.queue.pop(0) if failed and self.queue else None
            if self.queue and not self.alive:
                self.alive.add(Worker(self))
            self.changed.notify_all()
        if job:
            job.answer(*failed)

    def log(self, job, message):
        """A line of a function's, for its log."""
        about = {"request_id": job.request_id} if job else {}
        line = dumps({"function_name": self.settings["function_name"], **about, "message": message})
        lines = job.lines if job else None
        if lines is None:
            logger.info(line)
        else:
            lines.append(line)

    def end(self):
        for worker in list(self.alive):
            worker.kill()


class Runtime:
    """Functions by role."""

    def __init__(self, definition, environment, credentials):
        self.pools = {
            settings["role"]: Pool(definition, settings, environment, credentials)
            for settings in definition["functions"]
        }
        atexit.register(self.end)

    def invoke(self, role, event, trace_id=None, seconds=None):
        pool = self.pools.get(role)
        if pool is None:
            job = Job(event, trace_id)
            job.answer(*failure("ResourceNotFoundException", "Function not found: " + role))
            return job
        return pool.invoke(dumps(event).encode("utf-8", "surrogatepass"), trace_id, seconds)

    def log(self, role, job, message):
        """Notes something about an invocation in the log of its function."""
        if role in self.pools:
            self.pools[role].log(job, message)

    def end(self):
        for pool in self.pools.values():
            pool.end()
