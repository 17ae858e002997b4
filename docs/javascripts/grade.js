/* One answer against the key, kind by kind: the same verdict as dlquiz.grade.
 *
 * An answer is the text that one would type in the terminal: "b", "acd", "true", "0.25", "max(-d, min(r, d))", "cab", "4".
 * grade(question, answer) gives {correct, message, notes}; notes are feedback to single options, {letter: text}.
 * What cannot be read throws Unreadable, and its message says what to type.
 */
(() => {
  const {FormulaError, enclose, inFloats, read, same} = window.dlref;

  class Unreadable extends Error {}
  const unreadable = (message) => { throw new Unreadable(message); };
  const count = (n, one) => `${n} ${one}${n === 1 ? "" : "s"}`;

  function single({choices}, letter) {
    const chosen = choices.find((choice) => choice.letter === letter) ?? unreadable("choose one of the options");
    return {correct: chosen.correct, message: "", notes: {[letter]: chosen.why}};
  }

  function multiple({choices}, letters) {
    const chosen = new Set(letters);
    const wrong = choices.filter(({letter, correct}) => chosen.has(letter) && !correct);
    const missed = choices.filter(({letter, correct}) => !chosen.has(letter) && correct);
    const notes = Object.fromEntries(choices.filter(({letter}) => chosen.has(letter)).map(({letter, why}) => [letter, why]));
    const parts = [wrong.length && `${count(wrong.length, "mark")} too many.`, missed.length && `${count(missed.length, "mark")} missing.`];
    return {correct: !wrong.length && !missed.length, message: parts.filter(Boolean).join(" "), notes};
  }

  function truefalse({answer, why_not}, typed) {
    const correct = typed === answer;
    return {correct, message: correct ? "" : why_not, notes: {[typed]: ""}};
  }

  function typedNumber(text, unit) {
    const bare = (unit && text.endsWith(unit) ? text.slice(0, -unit.length) : text).trim().replace(/^([-+]?\d+),(\d+)$/, "$1.$2");
    if (bare.endsWith("%")) unreadable("write a fraction, not per cent: 0.5 for 50 %");
    let value;
    try {
      value = enclose(read(bare, []), {});
    } catch (error) {
      if (!(error instanceof FormulaError)) throw error;
      unreadable(`a number is wanted: ${error.message}`);
    }
    if (value.unsure || value.undefined) unreadable(`that has no value: ${value.undefined ?? "it is out of range"}`);
    return value.value;
  }

  const within = (got, want, {abs, rel}) => Math.abs(got - want) <= Math.max(abs, rel * Math.abs(want)) + 1e-12 * Math.max(Math.abs(want), 1);

  function number({answer, tolerance, unit, mistakes}, text) {
    const got = typedNumber(text, unit);
    const correct = within(got, answer, tolerance);
    if (correct) return {correct, message: "", notes: {}};
    const mistake = mistakes.find(({value}) => within(got, value, tolerance));
    const side = `${Number(got.toPrecision(10))} is too ${got < answer ? "low" : "high"}.`;
    return {correct, message: [side, mistake?.say].filter(Boolean).join(" "), notes: {}};
  }

  const place = (at) => Object.entries(at).map(([name, value]) => `${name} = ${Number(value.toPrecision(4))}`).join(", ");

  function tree({symbols, forbid}, text) {
    try {
      return read(text, symbols, forbid);
    } catch (error) {
      if (!(error instanceof FormulaError)) throw error;
      return unreadable(error.message);
    }
  }

  function formula(question, text) {
    const typed = tree(question, text);
    const verdict = same(typed, question.points, question.ties);
    const failure = verdict.equal ? unstable(question.stable, typed) : "";
    if (verdict.equal && !failure) return {correct: true, message: "", notes: {}};
    const mistake = question.mistakes.find(({points}) => same(typed, points, false).equal);
    return {correct: false, message: [failure || difference(verdict), mistake?.say].filter(Boolean).join(" "), notes: {}};
  }

  function difference({undecided, at, got, want}) {
    if (undecided) return "The page cannot compare this form; the terminal can.";
    return `At ${place(at)} yours gives ${got}, the key ${want}.`;
  }

  function unstable(stable, typed) {
    for (const {at, key} of stable?.points ?? []) {
      const got = inFloats(typed, at, stable.dtype);
      if (!(Math.abs(got - key) <= stable.rel * Math.abs(key))) {
        return `Right on paper, but in ${stable.dtype} at ${place(at)} it gives ${Number(got.toPrecision(6))}, not ${Number(key.toPrecision(6))}.`;
      }
    }
    return "";
  }

  function order({after, values}, letters) {
    const steps = [...letters];
    const fits = (letter, i) => {
      const rest = steps.slice(i);
      const early = (after[letter] ?? []).some((before) => rest.includes(before));
      return !early && !(letter in values && rest.some((other) => values[other] < values[letter]));
    };
    const first = steps.findIndex((letter, i) => !fits(letter, i));
    if (first < 0) return {correct: true, message: "", notes: {}};
    const message = first ? `The first ${first === 1 ? "step is" : `${first} steps are`} in order. The next one comes too early.` : "The first step comes too early.";
    return {correct: false, message, notes: {[steps[first]]: "comes too early"}};
  }

  function bug({answer, why}, line) {
    const correct = Number(line) === answer;
    return {correct, message: correct ? why : `Line ${line} is right.`, notes: {[line]: ""}};
  }

  const GRADERS = {single, multiple, truefalse, number, formula, stable: formula, order, bug};

  function grade(question, answer) {
    if (!answer.trim()) unreadable("Give an answer first.");
    return GRADERS[question.kind](question, answer.trim());
  }

  Object.assign(window.dlref, {Unreadable, grade, tree});
})();
