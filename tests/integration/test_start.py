"""What keeps web and worker from starting, and what does not."""

import datetime as dt
import ipaddress
import ssl
import threading
from socket import create_server

import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from redis.exceptions import ConnectionError as NoConnection
from rq import Queue

from relay import queue
from relay.doctor import start
from relay.ledger import migrate
from relay.ledger.db import Database
from relay.worker import RelayWorker


@pytest.fixture
def database(database_url):
    database = Database(database_url)
    yield database
    database.engine.dispose()


def test_an_empty_ledger_is_an_obstacle_with_its_remedy(database):
    assert "are at nothing" in start.obstacle(database)
    assert "`flask db upgrade`" in start.obstacle(database)


def test_older_tables_are_an_obstacle(database):
    migrate.upgrade(database, "0001")
    assert f"are at 0001 and this relay needs {migrate.head()}" in start.obstacle(database)


def test_the_newest_and_newer_tables_are_none(database, monkeypatch):
    migrate.upgrade(database)
    assert start.obstacle(database) == ""
    monkeypatch.setattr(migrate, "head", lambda: "0001")
    assert start.obstacle(database) == ""


def test_a_database_that_does_not_answer_is_none():
    assert start.obstacle(Database("postgresql+psycopg://nobody@127.0.0.1:1/none")) == ""


def test_a_redis_that_evicts_is_told_in_the_log(redis_db):
    redis_db.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with structlog.testing.capture_logs() as logs:
            start.warn_of_redis(redis_db)
    finally:
        redis_db.config_set("maxmemory-policy", "noeviction")
    assert [line["event"] for line in logs] == ["redis_not_well"]
    assert "allkeys-lru" in logs[0]["text"]


def test_a_worker_does_no_job_but_its_own(redis_db, tmp_path):
    jobs, mark = Queue(queue.QUEUE, connection=redis_db, serializer="json"), tmp_path / "mark"
    jobs.enqueue("pathlib.Path.touch", str(mark))
    jobs.enqueue("os.mkdir", str(mark))
    worker = RelayWorker(threading.Event(), [jobs], connection=redis_db, serializer="json")
    with structlog.testing.capture_logs() as logs:
        worker.work(burst=True)
    assert not mark.exists()
    assert [line["event"] for line in logs if line["event"] == "job_refused"] == ["job_refused"] * 2
    assert jobs.count == 0


@pytest.fixture
def self_signed(tmp_path):
    """A Redis that answers PONG over TLS with a certificate of its own, as Heroku's does; gives its address."""
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "redis")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = made.add_extension(names, critical=False).sign(key, hashes.SHA256())
    pem = tmp_path / "redis.pem"
    plain = serialization.NoEncryption()
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = create_server(("127.0.0.1", 0))
    threading.Thread(target=_answer, args=(server, context), daemon=True).start()
    yield f"rediss://127.0.0.1:{server.getsockname()[1]}/0"
    server.close()


def _answer(server, context):
    while True:
        try:
            plain, _ = server.accept()
        except OSError:
            return
        try:
            with context.wrap_socket(plain, server_side=True) as connection:
                while said := connection.recv(4096):
                    # One answer a command: "*" begins one.
                    connection.sendall(b"+PONG\r\n" * said.count(b"*"))
        except OSError:
            plain.close()


def test_a_certificate_of_its_own_is_refused_unless_told_otherwise(self_signed):
    with pytest.raises(NoConnection):
        queue.connect(self_signed).ping()
    unverified = queue.connect(self_signed + "?protocol=2", verified=False)
    assert unverified.execute_command("PING") in (b"PONG", True)
    unverified.close()
