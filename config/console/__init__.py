"""The operator console: Django's admin with our layer. No build step, no other host, no inline script or style.

    site.py         the AdminSite: its pages besides those of the models, and what every page knows
    nav.py          the navigation, one list in three groups
    dashboard/      the numbers of the first page, one module for each part of it
    search.py       the search box of every page
    views.py        saved views: links to lists, somebody's own or everybody's
    templatetags/   what templates draw with: `{% load console %}`
    static/console/ one stylesheet, one script

Pages of models stand in each app's `admin`, templates in `templates/admin` and `templates/console`, what all of them
share in `errors.console`. How to add a page, a chart, a live part: docs/console.md.
"""
