"""The only place that chooses the parts: settings in, a wired relay out."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from redis import Redis

from relay import queue
from relay.alerting import Alerting
from relay.alerting.sending import Sender
from relay.config import Organization, Settings
from relay.doctor import Patient, start
from relay.doctor.board import Board
from relay.doctor.rounds import Rounds
from relay.inbound.fetching import Fetching
from relay.inbound.intake import Intake
from relay.ledger.certificates import Certificates
from relay.ledger.db import Database
from relay.ledger.refusals import Refusals
from relay.ledger.sealing import Keyring
from relay.luminate.client import LuminateClient
from relay.luminate.designees import DesigneeLists
from relay.luminate.readback import RestReader
from relay.luminate.soap import SoapReader
from relay.office.auditing import Auditing
from relay.office.correcting import Correcting
from relay.office.deciding import Deciding
from relay.office.erasing import Erasing
from relay.office.funding import Funding
from relay.office.looking import Looking
from relay.office.people import Entering, People
from relay.office.plans import Plans
from relay.office.proposing import Proposing
from relay.office.retention import Retention
from relay.office.supplying import Supplying
from relay.office.tokens import Tokens
from relay.outbound.posting import Posting
from relay.outbound.probing import Probing
from relay.outbound.sweep import Sweep
from relay.providers import PROVIDERS, Provider, paypal
from relay.providers.calling import Caller
from relay.reports.overview import Overview
from relay.reports.searching import Searching


@dataclass(slots=True)
class Relay:
    """The parts of one process, wired. ``worker`` names this process in leases and attempts."""

    settings: Settings
    database: Database
    redis: Redis
    bell: queue.Bell
    intake: Intake
    searching: Searching
    overview: Overview
    plans: Plans
    correcting: Correcting
    proposing: Proposing
    looking: Looking
    deciding: Deciding
    supplying: Supplying
    funding: Funding
    tokens: Tokens
    people: People
    entering: Entering
    auditing: Auditing
    alerting: Alerting
    retention: Retention
    erasing: Erasing
    providers: Mapping[str, Provider]
    worker: str
    stopping: Callable[[], bool] = lambda: False
    caller: Caller = field(default_factory=Caller)
    designees: DesigneeLists = field(default_factory=DesigneeLists)
    _clients: dict[str, LuminateClient] = field(default_factory=dict)
    _soap: dict[str, SoapReader] = field(default_factory=dict)

    def client_for(self, organization: Organization) -> LuminateClient:
        """The organization's Luminate client: one session a process."""
        if organization.name not in self._clients:
            pool = organization.pace.max_in_flight + 1
            self._clients[organization.name] = LuminateClient(organization.luminate, pool_size=pool)
        return self._clients[organization.name]

    def posting_for(self, organization: Organization) -> Posting:
        """Posting for one organization."""
        client = self.client_for(organization)
        return Posting(self.database, organization, client, worker=self.worker, stopping=self._stopping)

    def fetching_for(self, organization: Organization) -> Fetching:
        """The pending events of one organization."""
        parts = (self.database, organization, self.providers, self.caller)
        return Fetching(*parts, worker=self.worker, stopping=self._stopping)

    def probing_for(self, organization: Organization) -> Probing:
        """Look-ups for one organization."""
        reader, soap = RestReader(self.client_for(organization)), self.soap_for(organization)
        return Probing(self.database, organization, reader, soap, stopping=self._stopping)

    def soap_for(self, organization: Organization) -> SoapReader | None:
        """The second reader, where it is configured; it keeps its session and its description."""
        if not organization.luminate.soap_url:
            return None
        return self._soap.setdefault(organization.name, SoapReader(organization.luminate))

    def sweep_for(self, worker: str) -> Sweep:
        """A sweep that takes its lease under this name."""
        return Sweep(self.database, self.settings.organizations, self.bell, self.client_for, worker=worker)

    def _stopping(self) -> bool:
        return self.stopping()  # asked anew each time: the worker replaces it after the parts are made

    @property
    def patient(self) -> Patient:
        """What the doctor examines."""
        parts = (self.settings, self.database, self.redis, self.providers)
        return Patient(*parts, self.client_for, self.soap_for)

    @property
    def board(self) -> Board:
        """How it stands with every connection."""
        return Board(self.patient)

    def rounds_for(self, worker: str) -> Rounds:
        """The checks of every connection, under this name."""
        return Rounds(self.patient, worker=worker)

    def before_serving(self) -> str:
        """Why this process must not start, in a sentence; "" if it may. Says in the log what is wrong with Redis."""
        start.warn_of_redis(self.redis)
        return start.obstacle(self.database)

    def after_fork(self) -> None:
        """Forget what a parent process opened: connections are never shared."""
        self.database.dispose()
        self.redis.connection_pool.reset()
        self._clients.clear()
        self._soap.clear()
        self.caller = Caller()
        self.worker = worker_name()


def build(settings: Settings, redis: Redis | None = None, database: Database | None = None) -> Relay:
    """Wire the real parts; nothing connects before it is used."""
    database = database or Database(settings.database_url, Keyring(settings.encryption_keys))
    redis = redis or queue.connect(settings.redis_url, verified=settings.redis_verified)
    bell = queue.Bell(redis)
    providers = PROVIDERS | {"paypal": paypal.provider(Certificates(database), settings.demo_authority)}
    looking = Looking(
        database, settings.organizations, lambda organization, entry: relay.probing_for(organization).look(entry)
    )
    relay = Relay(
        settings=settings,
        database=database,
        redis=redis,
        bell=bell,
        intake=Intake(settings, database, providers, bell, refusals=Refusals(database)),
        searching=Searching(database, settings.organizations),
        overview=Overview(database, settings.organizations),
        plans=Plans(database, settings.organizations),
        correcting=Correcting(database, settings.organizations),
        proposing=Proposing(database, settings.organizations),
        looking=looking,
        deciding=Deciding(database, settings.organizations, looking),
        supplying=Supplying(database, settings.organizations, looking),
        funding=Funding(database, settings.organizations),
        tokens=Tokens(database, settings.organizations),
        people=People(database, settings.organizations, settings.secret_key),
        entering=Entering(database),
        auditing=Auditing(database, settings.organizations),
        alerting=Alerting(database, settings.organizations, Sender(settings.mail), public_url=settings.public_url),
        retention=Retention(database, settings.organizations),
        erasing=Erasing(database, settings.organizations),
        providers=providers,
        worker=worker_name(),
    )
    return relay


def worker_name() -> str:
    """A name no other process has or had."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"
