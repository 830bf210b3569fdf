"""Fault tests from outside: whole houses of real processes, in which something is killed, stopped or cut off.

    site.py        builds houses, each on a database and a virtual host of its own, and clears everything away
    house.py       starts a house's processes, finds and kills them; reads its database with plain SQL
    agent.py       a program that does in a house what it is told: makes jobs, runs them, cancels
    proxy.py       stands in front of a server and cuts, stalls or delays what passes, or loses an answer
    ledger.py      what jobs write down about themselves, in a file that the house cannot see
    stock.py       compares the ledger with the house's tables: what was lost, what ran twice
    guard.py       kills what is left when the tests themselves were killed
    watch.py       looks all the time for a lease that has passed

Every test counts. What mostly waits is a story, and a module's stories are told side by side (conftest.py). With `-s`
each says its figures. JOBHOUSE_FAULT_SECONDS (default 20) says how long jobs go on firing while processes are killed
in turn; a longer time kills each of them more often.
"""
