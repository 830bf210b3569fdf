"""What ran, for the console: executions and their output, workers, the house; and a job's page as far as its runs go.

listing.py    the list of executions       filters.py  its filters, in the words of the API
page.py       the page of one execution    again.py    running it again, as it was or with other input
log.py        its output, in pieces        bulk.py     what is done to all that a filter finds, and its receipts
workers.py    workers, and their hours     tables.py   the tables behind all this, as they are
jobs.py       the list and the pages of jobs        job_page.py  what a job's page shows
calendar.py   a job's year, day by day     family.py    a job's parents and children, as a picture
job_types.py  the list and the page of job types    strips.py    runs as bars
"""

from executions.admin import bulk, job_types, jobs, listing, tables, workers
from executions.notifications import admin as notifications  # their pages belong to this app

__all__ = ["bulk", "job_types", "jobs", "listing", "notifications", "tables", "workers"]
