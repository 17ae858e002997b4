"""What the store keeps, in times when nothing goes wrong but the clock."""

import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlquiz.failures import StoreError
from dlquiz.question import fingerprint
from dlquiz.store import APPLICATION, VERSION, Answer, Flag, Store, default_path
from dlquiz.store.rows import LATEST_US, LONGEST, crc

from .helpers import DAY, NOW, answer, raw


def test_an_answer_is_kept_with_its_date(path):
    with Store(path) as store:
        state = store.record(answer())

    with Store(path, create=False) as store:
        assert store.due() == {"one": state.due_us}
        assert store.log() == [answer()]
        assert store.history() == {"one": [answer()]}
        assert state.due_us > NOW


def test_a_file_that_does_not_exist_is_an_empty_history_and_stays_away(path):
    with Store(path, create=False) as store:
        assert (store.due(), store.log(), store.cards(), store.flagged(), store.history()) == ({}, [], {}, {}, {})

    assert not path.exists()


def test_the_file_says_whose_it_is(path):
    with Store(path):
        pass

    assert raw(path, "PRAGMA application_id") == [(APPLICATION,)]
    assert raw(path, "PRAGMA user_version") == [(VERSION,)]
    assert raw(path, "PRAGMA journal_mode") == [("delete",)]


def test_every_answer_is_synced_to_the_disk(path):
    """EXTRA: the directory entry of the journal is synced too, so a power cut loses nothing that was acknowledged."""
    with Store(path) as store:
        assert store.db.execute("PRAGMA synchronous").fetchone()[0] == 3


def test_an_empty_file_without_backups_becomes_a_new_one(path):
    path.write_bytes(b"")
    with Store(path, create=False) as store:
        assert store.log() == []

    with Store(path) as store:
        store.record(answer())
        assert len(store.log()) == 1


def test_a_checksum_is_the_same_in_every_python():
    """What repr prints of a letter depends on the Unicode tables of the Python: a newer one would see damage."""
    assert crc(("\U0001fae8", 1, True)) == zlib.crc32(b'["\\ud83e\\udee8",1,1]')


def test_what_was_typed_is_kept_so_that_it_can_be_printed_and_exported(path):
    with Store(path) as store:
        store.record(answer(text="x\x1b[31m\udc80 \u202e\n\ty"))
        store.record(answer("two", text="y" * (LONGEST + 1)))
        store.record(answer("three")._replace(seed=10**30))
        first, second, third = store.log()

    assert first.answer == "x\\x1b[31m\\udc80 \\u202e\n\ty"
    assert len(second.answer) == LONGEST
    assert third.seed == 0


# -- the clock


def test_a_clock_set_back_does_not_make_history_run_backwards(path):
    with Store(path) as store:
        store.record(answer(at=NOW))
        store.record(answer(at=NOW - 400 * DAY))
        first, second = store.log()

        assert second.at_us == first.at_us + 1
        assert store.cards() == store.replayed()


def test_a_clock_set_forward_and_back_is_repaired_by_undoing_what_it_dated(path):
    with Store(path) as store:
        good = store.record(answer(at=NOW))
        store.record(answer(at=NOW + 4000 * DAY))
        store.record(answer(at=NOW + DAY))
        assert store.due()["one"] > NOW + 4000 * DAY

        undone = store.undo_all(lambda answers: [one for one in answers if one.at_us > NOW + DAY])
        assert len(undone) == 2
        assert store.cards() == store.replayed() == {"one": good}
        assert store.record(answer(at=NOW + DAY)).due_us < NOW + 100 * DAY


@pytest.mark.parametrize("at", [-1, LATEST_US + 1, 10**30])
def test_a_clock_that_is_centuries_off_is_refused(path, at):
    with Store(path) as store:
        with pytest.raises(StoreError, match=r"clock.*progress\.db was not written; set the clock"):
            store.record(answer(at=at))
        assert store.log() == []


def test_two_answers_at_one_moment_are_two_answers(path):
    """A frozen clock, and the first of them undone: an import must not take them for one."""
    with Store(path) as store:
        store.record(answer())
        store.undo()
        store.record(answer())

        assert len({one.identity for one in store.log()}) == 2


# -- the cache, undo, flags


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 4), st.integers(-DAY, 30 * DAY)), max_size=15))
def test_the_cache_is_what_the_log_replays_to(tmp_path, history):
    path = tmp_path / "any.db"
    path.unlink(missing_ok=True)
    now = NOW
    with Store(path) as store:
        for question, grade, wait in history:
            now += wait
            store.record(answer(question, now, grade))
        cached = store.cards()

        assert cached == store.replayed()
        store.db.execute("DELETE FROM card WHERE question = 'a'")
        store.db.execute("UPDATE card SET due_us = 1")
        store.db.execute("INSERT INTO card VALUES('ghost', 1, '{}')")
        store.rebuild()
        assert store.cards() == cached


def test_undo_takes_back_the_last_answer_and_then_the_one_before(path):
    with Store(path) as store:
        first = store.record(answer(at=NOW))
        store.record(answer("two", at=NOW + 1))
        wrong = answer(at=NOW + DAY, grade=1)
        store.record(wrong)

        assert store.undo() == wrong
        assert store.cards()["one"] == first
        assert store.undo() == answer("two", at=NOW + 1)
        assert store.cards() == store.replayed() == {"one": first}
        assert store.undo() == answer(at=NOW)
        assert store.undo() is None
        assert store.due() == store.history() == {}
        assert [one.undone for one in store.log()] == [True] * 3


def test_a_flag_is_a_row_of_the_log_and_survives_a_rebuild(path):
    with Store(path, clock=lambda: NOW) as store:
        flag = store.flag("one", "wrong key\x07")
        assert flag == Flag("one", NOW, "wrong key\\x07")
        store.flag("two")
        assert store.due() == {}
        store.rebuild()
        assert store.flagged() == {"one": flag, "two": Flag("two", NOW, "")}

        store.flag("two", raised=False)
        assert list(store.flagged()) == ["one"]
        assert [one.at_us for one in store.flags()] == [NOW, NOW, NOW + 1]


def test_forget_deletes_what_was_answered_and_flagged_and_leaves_the_rest(path):
    with Store(path) as store:
        store.record(answer())
        kept = store.record(answer("two"))
        store.flag("one")

        assert store.forget("one") == 1
        assert store.forget("never asked") == 0
        assert store.cards() == store.replayed() == {"two": kept}
        assert store.log() == [answer("two")]
        assert store.flags() == []


def test_a_changed_key_is_noticed_and_a_new_wording_or_a_new_name_is_not(path, questions):
    one = questions["number"]
    reworded = type(one)(**{name: getattr(one, name) for name in one.__struct_fields__})
    reworded.text, reworded.id, reworded.was = "Other words for {error}", "another-id", [one.id]
    changed = type(one)(**{name: getattr(one, name) for name in one.__struct_fields__})
    changed.params = {**one.params, "delta": one.params["error"]}
    with Store(path) as store:
        assert store.changed_keys([one, changed]) == set()
        store.record(answer(one.first_id)._replace(key_sha=fingerprint(one)))

        assert store.changed_keys([one, reworded, questions["single"]]) == set()
        assert store.due().keys() == {reworded.first_id}
        assert store.changed_keys([changed]) == {one.id}
        store.record(answer(one.first_id)._replace(key_sha=fingerprint(changed)))
        assert store.changed_keys([changed]) == set()


# -- merging two histories


def test_two_machines_that_exchange_their_answers_agree(tmp_path):
    logs = ([answer(at=NOW + 5 * DAY * i, grade=3) for i in range(4)], [answer(at=NOW + DAY + i) for i in range(3)])
    stores = [Store(tmp_path / f"{i}.db") for i in range(2)]
    for store, log in zip(stores, logs, strict=True):
        for one in log:
            store.record(one)
        store.flag("one", "a reason")
    stores[0].undo()
    both = [(store.log(), store.flags()) for store in stores]

    assert stores[0].merge(*both[1]) == (3, 0, 1)
    assert stores[1].merge(*both[0]) == (4, 0, 1)
    assert stores[0].merge(*both[1]) == (0, 0, 0)
    assert stores[0].history() == stores[1].history()
    assert stores[0].cards() == stores[1].cards() == stores[0].replayed()
    assert stores[0].flagged() == stores[1].flagged()
    for store in stores:
        store.__exit__()


def test_a_machine_whose_clock_was_ahead_does_no_lasting_harm(path):
    ahead = [answer(at=NOW + 4000 * DAY + i) for i in range(3)]
    with Store(path, clock=lambda: NOW) as store:
        store.record(answer(at=NOW))
        store.merge(ahead, [])
        store.record(answer(at=NOW + DAY))
        assert store.cards() == store.replayed()
        assert store.history()["one"] == sorted(store.log())

        store.undo_all(lambda answers: [one for one in answers if one.at_us > NOW + DAY])
        store.record(answer(at=NOW + DAY))
        assert store.merge(ahead, []) == (0, 0, 0)
        assert [one.at_us for one in store.history()["one"]] == [NOW, NOW + DAY]
        assert store.cards() == store.replayed()


def test_an_answer_undone_on_either_side_is_undone(path):
    with Store(path) as store:
        store.record(answer())
        store.record(answer("two"))
        undone = answer("three", undone=True)

        assert store.merge([answer(undone=True), undone, undone._replace(undone=False)], []) == (1, 1, 0)
        assert list(store.history()) == ["two"]
        assert store.merge([answer(), answer("three")], []) == (0, 0, 0)
        assert store.cards() == store.replayed()


def test_a_merge_is_all_or_nothing(path):
    with Store(path) as store:
        store.record(answer())
        with pytest.raises(StoreError):
            store.merge([answer("two"), answer("zero", grade=9)], [])

        assert store.log() == [answer()]
        assert "two" not in store.cards()


def test_the_place_is_chosen_by_the_environment(monkeypatch):
    monkeypatch.setenv("DLQUIZ_DB", "~/mine.db")
    assert default_path() == Path("~/mine.db").expanduser()
    monkeypatch.delenv("DLQUIZ_DB")
    assert default_path().name == "progress.db"
    assert default_path().parent.name == "dlquiz"


def test_an_answer_read_back_has_truth_values(path):
    with Store(path) as store:
        store.record(answer())
        assert repr(store.log()[0]) == repr(answer())
        assert isinstance(store.log()[0], Answer)
