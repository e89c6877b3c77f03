"""The whole of relay in one process, under a seeded scheduler.

Provider, intake, ledger, bell, workers, Luminate and clock. ``python -m tests.prove.simulation --seed 17`` plays one
seed, ``make prove`` thousands. docs/proof.md says what is shown by it and what is not, and
docs/adr/0016-own-scheduler-for-the-simulation.md why the scheduler is our own.

    fibers      parts that run one at a time and give way at every durable step
    world       one seed: clock, chances, timers, faults, and a history short enough to read
    machine     what relay's modules find in place of time, random and threads
    ledger      relay's own Database on SQLite in memory, with a fault at every commit; looked through after each
    redis       the model Redis behind relay's own Bell
    luminate    the model Luminate: what it recorded, refunded and mailed is the truth
    client      what relay calls of it: gifts and refunds, none of them twice
    line        what happens to a call on its way
    shown       its look-ups
    answers     the bytes that it answers
    payments    what happened at the providers, and how a payment's story goes
    stripe      that story as Stripe tells it
    standard    and in relay's own format
    book        all payments of a seed, and what the ledger must hold of them
    processes   a web process and workers around relay's own parts; killed, frozen, started again
    people      who corrects, closes, resolves; always truthfully
    checks      what must hold after each commit, at rest, and at the end
    play        one seed from beginning to end
    shrink      the shortest history of a seed that fails
    figures     what many seeds came to
"""
