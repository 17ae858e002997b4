/* The quiz of a page: one question at a time, a map of all of them, and what was answered kept by the browser. */
(() => {
  const {Turn, tally} = window.dlref;
  const make = (name, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };

  /* Plain text of a bank: `code` in backticks, nothing else. */
  function prose(text) {
    return text.split("`").map((part, i) => (i % 2 ? make("code", {textContent: part}) : part));
  }

  class Question {
    constructor(form) {
      this.form = form;
      this.data = JSON.parse(form.querySelector("script").textContent);
      this.item = form.parentElement;
      this.level = form.dataset.level;
      this.feedback = form.querySelector(".dl-feedback");
      this.answer = form.querySelector(".dl-answer");
      this.hintsGiven = 0;
      this.answer.hidden = true;
      for (const button of form.querySelectorAll(".dl-actions [hidden]")) button.hidden = false;
      if (this.data.kind === "order") this.makeSortable();
      if (this.data.symbols) this.makePreview();
      form.addEventListener("submit", (event) => { event.preventDefault(); this.check(); });
      form.querySelector(".dl-ask-hint")?.addEventListener("click", () => this.hint());
      form.querySelector(".dl-give-up").addEventListener("click", () => this.reveal());
    }

    get record() { return tally.all()[this.data.id]; }
    get turn() { this.begin(); return this.started; }
    get state() { return !this.record ? "open" : this.record.right ? "right" : "wrong"; }

    /* The answer as the terminal would take it. */
    typed() {
      if (this.data.kind === "order") return [...this.form.querySelectorAll(".dl-order > li")].map((li) => li.dataset.letter).join("");
      return new FormData(this.form).getAll("answer").join("");
    }

    check() {
      this.clear();
      const text = this.typed();
      let verdict;
      try {
        verdict = dlref.grade(this.data, text);
      } catch (error) {
        if (!(error instanceof dlref.Unreadable)) throw error;
        this.say("unread", "", error.message);
        return;
      }
      tally.note(this.data.id, verdict.correct);
      this.turn.answered(text, verdict);
      this.say(verdict.correct ? "right" : "wrong", verdict.correct ? "Right." : "Not yet.", verdict.message);
      for (const [letter, note] of Object.entries(verdict.notes)) this.annotate(letter, note, verdict.correct);
      if (verdict.correct) this.reveal();
      this.form.dispatchEvent(new CustomEvent("dl-answered", {bubbles: true}));
    }

    say(state, verdict, message) {
      this.form.dataset.state = state;
      const told = verdict ? [make("strong", {textContent: verdict}), " "] : [];
      this.feedback.replaceChildren(...(verdict || message ? [make("p", {}, ...told, ...prose(message))] : []));
    }

    annotate(letter, note, allRight) {
      const field = this.form.querySelector(`input[value="${letter}"]`);
      const row = field?.closest(".dl-option") ?? this.form.querySelector(`[data-letter="${letter}"]`);
      const correct = allRight || this.data.choices?.find((choice) => choice.letter === letter)?.correct;
      row.dataset.state = correct ? "right" : "wrong";
      if (!note) return;
      row.append(make("p", {className: "dl-note"}, ...prose(note)));
      if (!this.data.choices) return;
      this.feedback.append(make("p", {className: "dl-spoken"}, ...prose(note))); // heard where it is not seen
    }

    clear() {
      for (const note of this.form.querySelectorAll(".dl-note")) note.remove();
      for (const row of this.form.querySelectorAll("[data-state]")) delete row.dataset.state;
      delete this.form.dataset.state;
      this.feedback.replaceChildren();
    }

    hint() {
      const {hints} = this.data;
      const text = hints[this.hintsGiven++ % hints.length];
      this.turn.hints = Math.min(this.hintsGiven, hints.length);
      this.feedback.replaceChildren(make("p", {}, make("strong", {textContent: "Hint. "}), ...prose(text)));
    }

    reveal() {
      this.turn.over = true; // what is typed after that is copied
      this.answer.hidden = false;
      this.answer.open = true;
    }

    reset() {
      this.clear();
      this.form.reset();
      this.form.querySelector(".dl-preview")?.replaceChildren();
      this.answer.hidden = true;
      this.answer.open = false;
      this.hintsGiven = 0;
      this.started = null;
    }

    begin() { this.started ??= new Turn(this.data); }

    focus() {
      this.form.querySelector("legend").focus({preventScroll: true});
      this.form.scrollIntoView({block: "nearest"});
    }

    /* Two buttons on each step; the focus stays on the step that moved. */
    makeSortable() {
      const list = this.form.querySelector(".dl-order");
      for (const step of list.children) {
        const text = step.textContent;
        const move = (sign, name, go) => {
          const button = make("button", {type: "button", className: "dl-move", textContent: sign});
          button.setAttribute("aria-label", `Move ${name}: ${text}`);
          button.addEventListener("click", () => { this.clear(); go(); button.focus(); this.sayPlace(step); });
          return button;
        };
        step.append(
          move("↑", "up", () => step.previousElementSibling?.before(step)),
          move("↓", "down", () => step.nextElementSibling?.after(step)),
        );
      }
    }

    sayPlace(step) {
      const place = [...step.parentElement.children].indexOf(step) + 1;
      this.feedback.replaceChildren(make("p", {className: "dl-spoken", textContent: `Now step ${place}.`}));
    }

    /* What was typed, as one would write it: a misplaced parenthesis is seen before it is graded. */
    makePreview() {
      const field = this.form.querySelector(".dl-field");
      const preview = this.form.querySelector(".dl-preview");
      field.addEventListener("input", () => {
        preview.replaceChildren();
        try {
          katex.render(dlref.latex(dlref.tree(this.data, field.value)), preview, {throwOnError: false});
        } catch (error) {
          if (!(error instanceof dlref.Unreadable)) throw error;
        }
      });
    }
  }

  class Quiz {
    constructor(section) {
      this.section = section;
      this.head = section.querySelector(".dl-quiz-head");
      this.questions = [...section.querySelectorAll("form.dl-question")].map((form) => new Question(form));
      this.makeHead();
      section.addEventListener("dl-answered", () => this.answered());
      addEventListener("hashchange", () => this.followHash());
      this.current = this.linked() ?? this.questions.find((q) => q.state !== "right") ?? this.questions[0];
      this.paint();
    }

    makeHead() {
      this.tally = make("p", {className: "dl-tally"});
      this.tally.setAttribute("role", "status");
      this.map = make("div", {className: "dl-map"});
      this.map.setAttribute("role", "group");
      this.map.setAttribute("aria-label", "Questions");
      const rows = new Map(); // one for each level
      for (const [i, question] of this.questions.entries()) {
        question.button = make("button", {type: "button", textContent: String(i + 1)});
        question.button.addEventListener("click", () => this.go(question));
        const {level} = question;
        if (!rows.has(level)) rows.set(level, make("div", {className: "dl-level"}, make("span", {textContent: `Level ${level}`})));
        rows.get(level).append(question.button);
      }
      this.map.append(...rows.values());
      this.again = make("button", {type: "button", className: "dl-button", textContent: "Start over"});
      this.again.addEventListener("click", () => this.startOver());
      this.head.append(make("div", {className: "dl-bar"}, this.tally, this.again), this.map);
      this.head.hidden = false;
      for (const [i, question] of this.questions.entries()) this.makeSteps(question, i);
    }

    /* Back and on, at the end of each question. */
    makeSteps(question, i) {
      const actions = question.form.querySelector(".dl-actions");
      const step = (text, to) => {
        const button = make("button", {type: "button", className: "dl-button dl-step", textContent: text});
        button.addEventListener("click", () => this.go(this.questions[to]));
        actions.append(button);
        return button;
      };
      question.next = i + 1 < this.questions.length ? step("Next", i + 1) : null;
    }

    linked() {
      const id = decodeURIComponent(location.hash.slice(1));
      return id ? this.questions.find((q) => q.form.id === id) : undefined;
    }

    followHash() {
      const question = this.linked();
      if (question) this.go(question);
    }

    go(question) {
      this.current = question;
      this.paint();
      question.focus();
    }

    answered() {
      this.paint();
      if (this.current.state === "right" && this.current.form.dataset.state === "right") this.current.next?.focus();
    }

    startOver() {
      tally.forget(this.questions.map((q) => q.data.id));
      for (const question of this.questions) question.reset();
      this.go(this.questions[0]);
    }

    paint() {
      const right = this.questions.filter((q) => q.state === "right").length;
      const all = this.questions.filter((q) => q.data.kind !== "code").length; // a function is written in the terminal
      this.tally.textContent = right === all ? `All ${all} answered right` : `${right} of ${all} answered right`;
      this.again.hidden = this.questions.every((q) => q.state === "open");
      const words = {open: "not answered", right: "answered right", wrong: "not right yet"};
      for (const [i, question] of this.questions.entries()) {
        const current = question === this.current;
        question.item.hidden = !current;
        if (current) question.begin();
        question.button.dataset.state = question.state;
        question.button.setAttribute("aria-label", `Question ${i + 1}, level ${question.level}, ${words[question.state]}`);
        if (current) question.button.setAttribute("aria-current", "true");
        else question.button.removeAttribute("aria-current");
      }
    }
  }

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(".dl-quiz").forEach((section) => new Quiz(section)));
})();
