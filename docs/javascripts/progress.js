/* What was answered here, kept by the browser: a tally for the map, and the answers themselves to take to the terminal. */
(() => {
  const TALLY = "dlref.quiz.v1"; // {question id: {right, tries}}
  const ANSWERS = "dlref.answers.v1"; // [one answer as `dlquiz progress import` reads it, …]
  const AGAIN = 1, HARD = 2, GOOD = 3; // FSRS' ratings, given as the terminal gives them
  const SECOND_TRY = ["number", "formula", "stable", "order"]; // a second guess at a letter would teach nothing
  const LONGEST = 1000;
  const UNSEEN = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

  const load = (key, empty) => { try { return JSON.parse(localStorage.getItem(key)) ?? empty; } catch { return empty; } };
  const save = (key, value) => { try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* a private window keeps nothing */ } };

  const tally = {
    all: () => load(TALLY, {}),
    note(id, right) {
      const all = this.all();
      const old = all[id] ?? {right: false, tries: 0};
      save(TALLY, {...all, [id]: {right: old.right || right, tries: old.tries + 1}});
    },
    forget(ids) {
      const all = this.all();
      for (const id of ids) delete all[id];
      save(TALLY, all);
    },
  };

  const answers = {
    all: () => load(ANSWERS, []),
    add(row) { save(ANSWERS, [...this.all(), row]); },
    /* The row of this turn again, now that its second try was right. */
    amend(row) { save(ANSWERS, this.all().map((old) => (old.question === row.question && old.at_us === row.at_us ? row : old))); },
    forget() { localStorage.removeItem(ANSWERS); },
    file() { return JSON.stringify({dlquiz: "progress", version: 1, answers: this.all(), flags: []}); },
  };

  /* One go at one question: a single answer is kept of it, as in the terminal. */
  class Turn {
    constructor(data) {
      Object.assign(this, {data, start: Date.now(), hints: 0, tries: 0, row: null, over: false});
    }

    answered(text, {correct}) {
      if (this.over) return;
      this.tries++;
      const again = this.row !== null;
      if (!again || correct) this.keep(text, correct, again);
      this.over = correct || this.tries > 1 || !SECOND_TRY.includes(this.data.kind);
    }

    keep(text, correct, again) {
      const {question, seed, key_sha} = this.data;
      const now = Date.now();
      const grade = !correct ? AGAIN : this.hints || again ? HARD : GOOD;
      const answer = text.replace(UNSEEN, "").slice(0, LONGEST);
      const at_us = this.row?.at_us ?? now * 1000;
      this.row = {question, at_us, grade, correct, answer, seed, hints: this.hints, took_ms: Math.max(now - this.start, 0), key_sha, undone: false};
      if (again) answers.amend(this.row);
      else answers.add(this.row);
    }
  }

  window.dlref = Object.assign(window.dlref ?? {}, {Turn, answers, tally});
})();
