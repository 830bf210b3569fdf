"""Notifications: who is told what about which jobs, when, and what came of it.

    finish, claim, fire --record.py--> event         in the transaction of the change, when a rule may want it
    late, long          --watch.py---> event         looked for every few seconds
                                         |
                                         | outbox.dispatch    which rules does it concern: a delivery per target
                                         v
                                      delivery --outbox.claim--> sender --> mail, webhook, Apprise
                                         ^                          |
                                         '--- again, with back-off -'  every try is kept with its answer

    models.py    the tables                          interest.py   the rules, as the engine has them in mind
    record.py    what the engine tells               watch.py      what only time tells: late, long
    alerts.py    once, then at most once an hour     outbox.py     events become deliveries, deliveries become sent
    words.py     what a message says                 standing.py   what settings have sent for every run, as Dkron does
    template.py  texts with Dkron's fields; pure     addresses.py  what a target may be; pure
    sender.py    mail, webhook, and child.py, the short-lived process that knows Apprise
    loop.py      the thread that does it all, in every worker and scheduler
    services.py  targets and rules are made and changed

Guarantees. An event is recorded if and only if the change that it tells of is. No job ever waits for a message. Of one
event a target hears once: a message is sent again only when it failed, or when the process that sent it ended before it
could write down that it had.
"""
