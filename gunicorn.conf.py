"""How `gunicorn wsgi:app` runs on a platform: it reads this file by itself."""

import gc
import os
import tempfile
from typing import Any

# Threads, because a webhook waits for the database and not for the processor; none of them ever waits for a sender.
# Preload, so that the app is read and checked once, before the first worker, and the pages of memory are shared.
worker_class = "relay.web.server.Worker"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = 8
worker_connections = 400  # of each worker: well below the 1,024 open files that many systems allow
preload_app = True

bind = f"0.0.0.0:{os.environ.get('PORT', '8000')}"  # a platform routes to the container from outside

# Platforms allow 30 s between SIGTERM and SIGKILL. A request that takes longer than `timeout` has lost its sender.
timeout = 30
graceful_timeout = 25
keepalive = 75  # longer than a router keeps its connections, so that it never meets one that is just closing

# Where the processes of this server put their counts together, for /metrics; must stand before the app is loaded.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="relay-metrics-")

# Heartbeats go to memory where there is any: a slow disk must not look like a hung worker.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112  # nosec B108  # the system's

# No access log: addresses and URLs of the console name donors. relay logs its own events, by id. Errors go to stderr.
accesslog = None
errorlog = "-"
loglevel = "info"

# Whose X-Forwarded-Proto is believed: this machine's, unless the environment says otherwise. Behind a platform's
# router, where no one else can reach the port, FORWARDED_ALLOW_IPS=* is right; Heroku (DYNO) and Render (RENDER)
# are known to be so. Anywhere else an open list would let a stranger claim that plain HTTP was HTTPS.
forwarded_allow_ips = os.environ.get(
    "FORWARDED_ALLOW_IPS", "*" if {"DYNO", "RENDER"} & os.environ.keys() else "127.0.0.1,::1"
)


def on_starting(server: Any) -> None:
    """Refuse to serve with tables older than the code, in one sentence; warn of a Redis that is not well."""
    relay = getattr(server.app.wsgi(), "extensions", {}).get("relay")
    check = getattr(relay, "before_serving", None)
    if check is not None and (why := check()):
        raise SystemExit(f"relay cannot start: {why}")


def child_exit(_server: Any, worker: Any) -> None:
    """Forget the gauges of a process that is gone; its counts are kept."""
    from prometheus_client import multiprocess  # noqa: PLC0415 - needs the directory below

    multiprocess.mark_process_dead(worker.pid)


def pre_fork(_server: Any, _worker: Any) -> None:
    """Leave what is loaded to the processes as it is: a collection in one would copy the pages that all share."""
    gc.collect()
    gc.freeze()


def post_fork(_server: Any, worker: Any) -> None:
    """Let the app drop what must not be shared over a fork: the connections in its parent's pools."""
    relay = getattr(worker.app.wsgi(), "extensions", {}).get("relay")
    after_fork = getattr(relay, "after_fork", None)
    if after_fork is not None:
        after_fork()
