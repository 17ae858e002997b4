"""The store against a plain model: whatever is done to it, in whatever order, it holds what the model holds.

DLQUIZ_MODEL=300 and DLQUIZ_STEPS=40 run the long version: so many lives, of so many steps.
"""

import os
import shutil
import signal
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dlquiz import exchange
from dlquiz.schedule import replay
from dlquiz.store import Answer, Flag, Store
from dlquiz.store.restore import restore

from .helpers import DAY, NOW, fork

IDS = st.sampled_from(["one-id", "two-id"])
# Time passes, stands still, or the clock is set back or forward by a year.
WAITS = st.one_of(st.integers(0, 40 * DAY), st.sampled_from([0, 0, -1, -400 * DAY, -400 * DAY, 400 * DAY]))
EXAMPLES, STEPS = int(os.environ.get("DLQUIZ_MODEL", "20")), int(os.environ.get("DLQUIZ_STEPS", "30"))


def elsewhere(*, undone):
    """What another machine exports: answers before, among and after ours; later it takes one of them back."""
    times = [NOW - DAY, NOW + DAY, NOW + 30 * DAY, NOW + 500 * DAY]
    answers = [
        Answer("one-id", at, 3, correct=True, answer="there", seed=1, hints=0, took_ms=5, key_sha="key") for at in times
    ]
    answers[1] = answers[1]._replace(undone=undone)
    flags = [Flag("two-id", NOW + DAY, "from there")]
    return exchange.dump(answers, flags), answers, flags


class Life(RuleBasedStateMachine):
    """The model is the list of answers in the order of writing, and the list of flags."""

    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp())
        self.path = self.folder / "progress.db"
        self.now, self.answers, self.flags = NOW, [], []
        self.exports = [elsewhere(undone=False), elsewhere(undone=True)]
        self.open()

    def open(self):
        self.store = Store(self.path, clock=lambda: self.now)
        self.store.db.execute("PRAGMA synchronous = OFF")  # a power cut is not among what happens here

    def teardown(self):
        self.store.__exit__()
        shutil.rmtree(self.folder)

    # -- what happens

    @rule(question=IDS, grade=st.integers(1, 4), typed=st.text(max_size=5), wait=WAITS)
    def answer(self, question, grade, typed, wait):
        self.now = max(self.now + wait, 10**12)
        self.store.record(Answer(question, self.now, grade, grade > 1, typed, 7, 0, 5, "key"))
        written = self.store.log()[-1]
        at = written.at_us
        live = [one.at_us for one in self.answers if one.question == question and not one.undone]
        assert at >= max([self.now, *(last + 1 for last in live)])
        assert at - max([self.now, *(last + 1 for last in live)]) <= len(self.answers)
        assert written == Answer(question, at, grade, grade > 1, written.answer, 7, 0, 5, "key")
        assert written.answer == typed or not typed.isprintable()
        self.answers.append(written)

    @rule()
    def undo(self):
        live = [spot for spot, one in enumerate(self.answers) if not one.undone]
        assert self.store.undo() == (self.answers[live[-1]] if live else None)
        if live:
            self.answers[live[-1]] = self.answers[live[-1]]._replace(undone=True)

    @rule()
    def undo_what_is_dated_in_the_future(self):
        late = {one for one in self.answers if not one.undone and one.at_us > self.now}
        assert {*self.store.undo_all(lambda live: [one for one in live if one.at_us > self.now])} == late
        self.answers = [one._replace(undone=one.undone or one in late) for one in self.answers]

    @rule(question=IDS, note=st.sampled_from(["", "wrong key"]), raised=st.booleans())
    def flag(self, question, note, raised):
        last = max((one.at_us for one in self.flags if one.question == question), default=0)
        flag = Flag(question, max(self.now, last + 1), note, raised)
        assert self.store.flag(question, note, raised=raised) == flag
        self.flags.append(flag)

    @rule(question=IDS)
    def forget(self, question):
        kept = [one for one in self.answers if one.question != question]
        assert self.store.forget(question) == len(self.answers) - len(kept)
        self.answers, self.flags = kept, [one for one in self.flags if one.question != question]

    @rule()
    def kill(self):
        """The file is closed, another process dies while it writes, and the file is opened again."""
        self.store.__exit__()
        if (child := fork()) == 0:
            with Store(self.path, clock=lambda: self.now) as store:
                store.db.execute("PRAGMA cache_size = 1")
                store.db.execute("BEGIN IMMEDIATE")
                store.db.execute("UPDATE review SET answer = 'half', crc = 0")
                store.db.execute("DELETE FROM card")
                os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)
        self.open()

    @rule(spoil=st.sampled_from(["DELETE FROM card", "UPDATE card SET due_us = 1", ""]))
    def rebuild(self, spoil):
        if spoil:
            self.store.db.execute(spoil)
        self.store.rebuild()

    @rule()
    def export(self):
        self.exports.append((exchange.dump(self.store.log(), self.store.flags()), [*self.answers], [*self.flags]))

    @rule(which=st.integers(0, 9))
    def import_(self, which):
        text, answers, flags = self.exports[which % len(self.exports)]
        (file := self.folder / "progress.json").write_text(text, encoding="utf-8")
        self.store.merge(*exchange.load(file, {}))
        undone = {one.identity for one in answers if one.undone}
        have = {one.identity for one in self.answers}
        self.answers = [one._replace(undone=one.undone or one.identity in undone) for one in self.answers]
        self.answers += sorted((one for one in answers if one.identity not in have), key=lambda one: (one.at_us, one))
        self.flags += sorted((one for one in flags if one not in self.flags), key=lambda one: (one.at_us, one))

    @precondition(lambda self: self.answers)
    @rule()
    def damage_and_restore(self):
        """A row is damaged, and the backup made just before has it."""
        self.store.rebuild()
        self.store.db.execute("UPDATE review SET crc = crc + 1 WHERE id = (SELECT max(id) FROM review)")
        self.store.__exit__()
        restore(self.path, clock=lambda: self.now)
        self.open()
        assert {*self.store.log()} == {*self.answers}
        self.answers = self.store.log()

    # -- what must always hold

    @invariant()
    def the_log_is_the_models(self):
        if hasattr(self, "store"):
            assert self.store.log() == self.answers
            assert self.store.flags() == self.flags

    @invariant()
    def the_cache_is_what_the_model_replays_to(self):
        if hasattr(self, "store"):
            live = sorted(one for one in self.answers if not one.undone)
            cards = {id_: replay((a.grade, a.at_us) for a in live if a.question == id_) for id_ in {a[0] for a in live}}
            assert self.store.cards() == self.store.replayed() == cards
            newest = {one.question: one for one in sorted(self.flags)}
            assert self.store.flagged() == {id_: one for id_, one in newest.items() if one.raised}


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    derandomize="DLQUIZ_MODEL" not in os.environ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
