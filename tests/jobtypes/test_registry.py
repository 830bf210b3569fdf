"""Functions become tasks that can be scheduled."""

from __future__ import annotations

import pytest
from celery import shared_task

from jobtypes import registry
from jobtypes.registry import NameTaken, UnknownTask, schedulable
from jobtypes.signature import SignatureError


@pytest.fixture(autouse=True)
def empty(monkeypatch):
    monkeypatch.setattr(registry, "_registered", {})


def test_a_function_becomes_a_task_under_its_own_name():
    @schedulable
    def count_tags(limit: int = 100) -> int:
        """Count the tags.

        Of all kinds.
        """
        return limit

    found = registry.find("count-tags")
    assert (found.title, found.description, found.timeout) == ("Count tags", "Count the tags.", 3600)
    assert found.schema["properties"] == {"limit": {"type": "integer", "default": 100}}
    assert found.function(3) == 3
    assert found.task.name == "count-tags"
    assert count_tags(5) == 5


def test_everything_can_be_said_otherwise():
    @schedulable(name="tags", title="All tags", description="Counts.", timeout=5)
    def _count():
        """Not this."""

    found = registry.find("tags")
    assert (found.title, found.description, found.timeout) == ("All tags", "Counts.", 5)


def test_a_celery_task_is_taken_as_it_is():
    @schedulable
    @shared_task(name="our.own.task", ignore_result=True)
    def purge_all(days: int):
        """Purge."""
        return days

    found = registry.find("purge-all")
    assert found.task.name == "our.own.task"
    assert found.function(2) == 2
    assert found.schema["required"] == ["days"]


def test_a_bound_task_is_called_without_its_first_parameter():
    @schedulable
    @shared_task(bind=True)
    def who_am_i(self, prefix: str):
        """Say it."""
        return prefix + self.name

    found = registry.find("who-am-i")
    assert found.schema["x-order"] == ["prefix"]
    assert found.function("I am ").endswith("who_am_i")


def test_names_are_sorted():
    def nothing():
        """Do nothing."""

    for name in ("b", "a-2", "a"):
        schedulable(name=name)(nothing)

    assert registry.names() == ["a", "a-2", "b"]


def test_an_unknown_name_is_a_look_up_that_fails():
    with pytest.raises(UnknownTask, match="no schedulable task is called 'nobody'"):
        registry.find("nobody")

    assert issubclass(UnknownTask, LookupError)


def test_two_functions_cannot_share_a_name():
    @schedulable(name="one")
    def first():
        """First."""

    with pytest.raises(NameTaken, match=r"'one' is taken by .*first; .*second needs another"):

        @schedulable(name="one")
        def second():
            """Second."""

    assert registry.find("one").function.__name__ == "first"


@pytest.mark.filterwarnings("ignore:Task name 'again' is already registered")
def test_a_module_that_is_loaded_again_registers_again():
    def define():
        @schedulable
        def again():
            """Again."""

    define()
    define()

    assert registry.names() == ["again"]


@pytest.mark.parametrize("name", ["", "Count", "count_tags", "ä", "a b", "x" * 51])
def test_a_name_of_other_characters_is_refused(name):
    with pytest.raises(ValueError, match="is no name for a task"):
        schedulable(name=name)(test_names_are_sorted)


def test_a_function_that_json_cannot_call_is_refused_at_once():
    with pytest.raises(SignatureError, match="parameter 'raw': bytes cannot be given as JSON"):

        @schedulable
        def take(raw: bytes):
            """Take bytes."""

    assert registry.names() == []
