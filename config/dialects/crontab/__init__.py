"""Crontabs, taken in: each line becomes a job of the system type `shell`.

    text --read--> lines --plan--> what each would become, and what is in the way --store--> jobs

`read` is pure and follows Debian's crontab(5); `taking` asks the house's own services what they think of it.
`manage.py import crontab` and the console's page are two doors to the same.
"""
