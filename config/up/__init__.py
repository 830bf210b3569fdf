"""The embedded house: every part of Jobhouse under one command, `manage.py up`.

    up (supervisor) --+-- web        gunicorn config.wsgi: console, API, health
                      +-- worker     celery worker: runs the jobs; without a broker it carries the scheduler too
                      '-- scheduler  celery beat: only where there is a broker

    the command     takes its place (address.py), brings the database up to date, makes what a first start makes
                    (first_start.py, demo.py), writes a greeting, and becomes:
    supervise.py    the program that stays
    supervisor.py   starts the parts, starts again what dies, stops them in order
    parts.py        which parts there are, and how each is started
    part.py         runs inside each part: ends it when `up` is gone, however `up` went
    stream.py       everything they print, as one stream with a prefix per part

Guarantee: a part that dies is started again; when `up` ends, all that its parts started ends within 45 s, and
when `up` is killed, within 5 s.
"""
