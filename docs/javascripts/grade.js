/* One answer against the key, kind by kind: the same verdict as dlquiz.grade.
 *
 * An answer is the text that one would type in the terminal: "b", "acd", "true", "0.25", "max(-d, min(r, d))", "cab", "4".
 * grade(question, answer) gives {correct, score, message, notes}; notes are feedback to single options, {letter: text}.
 * What cannot be read throws Unreadable, and its message says what to type.
 */
(() => {
  const {FormulaError, enclose, inFloats, read, same} = window.dlref;

  class Unreadable extends Error {}
  const unreadable = (message) => { throw new Unreadable(message); };
  const count = (n, one) => `${n} ${one}${n === 1 ? "" : "s"}`;
  const verdict = (score, message = "", notes = {}) => ({correct: score === 1, score, message, notes});

  /* A number as Python's %g writes it. */
  function shown(value, digits = 10) {
    if (!Number.isFinite(value)) return String(value).replace("Infinity", "inf").replace("NaN", "nan");
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    const bare = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
    if (exponent >= -4 && exponent < digits) return bare(value.toFixed(digits - 1 - exponent));
    return `${bare(mantissa)}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
  }

  function single({choices}, text) {
    const letter = text.toLowerCase().replace(/[\s().]/g, "");
    const chosen = choices.find((choice) => choice.letter === letter) ?? unreadable("choose one of the options");
    return verdict(Number(chosen.correct), "", {[letter]: chosen.why});
  }

  function multiple({choices}, text) {
    const chosen = new Set(text.toLowerCase().replace(/\band\b|[\s(),;.&+]/g, ""));
    if (!chosen.size || [...chosen].some((letter) => !choices.some((choice) => choice.letter === letter))) unreadable("choose all that hold");
    const wrong = choices.filter(({letter, correct}) => chosen.has(letter) && !correct);
    const missed = choices.filter(({letter, correct}) => !chosen.has(letter) && correct);
    const notes = Object.fromEntries(choices.filter(({letter}) => chosen.has(letter)).map(({letter, why}) => [letter, why]));
    const parts = [wrong.length && `${count(wrong.length, "mark")} too many.`, missed.length && `${count(missed.length, "mark")} missing.`];
    return verdict(1 - (wrong.length + missed.length) / choices.length, parts.filter(Boolean).join(" "), notes);
  }

  function truefalse({answer, why_not}, text) {
    const word = text.toLowerCase();
    if (!["true", "t", "yes", "y", "false", "f", "no", "n"].includes(word)) unreadable("choose true or false");
    const typed = String("ty".includes(word[0]));
    return verdict(Number(typed === answer), typed === answer ? "" : why_not, {[typed]: ""});
  }

  function typedNumber(text, unit) {
    const bare = (unit && text.endsWith(unit) ? text.slice(0, -unit.length) : text).trim();
    if (/^[-+]?[0-9]+,[0-9]+$/.test(bare)) unreadable(`write ${bare.replace(",", ".")}, with a point`);
    if (bare.endsWith("%")) unreadable("write a fraction: 0.5 for 50 %");
    let value;
    try {
      value = enclose(read(bare, []), {});
    } catch (error) {
      if (!(error instanceof FormulaError)) throw error;
      unreadable(`a number is wanted: ${error.message}`);
    }
    const why = value.undefined ?? value.unsure;
    if (why) unreadable(`that has no value: ${why}`);
    return value.value;
  }

  const within = (got, want, {abs, rel}) => Math.abs(got - want) <= Math.max(abs, rel * Math.abs(want)) + 1e-12 * Math.max(Math.abs(want), 1);

  function number({answer, tolerance, unit, mistakes}, text) {
    const got = typedNumber(text, unit);
    if (within(got, answer, tolerance)) return verdict(1);
    const mistake = mistakes.find(({value}) => within(got, value, tolerance));
    const side = `${shown(got)} is too ${got < answer ? "low" : "high"}.`;
    return verdict(0, [side, mistake?.say].filter(Boolean).join(" "));
  }

  const place = (at) => Object.entries(at).map(([name, value]) => `${name} = ${shown(value, 4)}`).join(", ");

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
    const found = same(typed, question.points, question.ties);
    if (found.undecided) unreadable("the page cannot compare this form; write it more simply, or ask the terminal");
    const missed = failures(question.stable, typed);
    if (found.equal && !missed.length) return verdict(1);
    const where = found.equal ? onPaper(question.stable, missed[0]) : difference(found);
    return verdict(found.equal ? 0.5 : 0, [where, said(question.mistakes, typed, missed)].filter(Boolean).join(" "));
  }

  /* Of mistakes that are the same on paper, the one that fails at the same points is meant. */
  function said(mistakes, typed, missed) {
    const here = JSON.stringify(missed.map(({at}) => at));
    const alike = mistakes.filter(({points}) => same(typed, points, false).equal);
    return (alike.find((mistake) => JSON.stringify(mistake.missed) === here) ?? alike[0])?.say;
  }

  const difference = ({at, got, want}) => `At ${place(at)} yours gives ${got}; it is ${want}.`;

  function failures(stable, typed) {
    const runs = (stable?.points ?? []).map(({at, key}) => ({at, key, got: inFloats(typed, at, stable.dtype)}));
    return runs.filter(({key, got}) => !(Math.abs(got - key) <= stable.rel * Math.abs(key)));
  }

  function onPaper({dtype}, {at, key, got}) {
    return `Right on paper, but in ${dtype} at ${place(at)} it gives ${shown(got, 6)}, not ${shown(key, 6)}.`;
  }

  function order({after, values, letters}, text) {
    const steps = [...text.toLowerCase().replace(/[\s,;.>-]/g, "")];
    if ([...steps].sort().join() !== [...letters].sort().join()) unreadable("put every step once");
    const fits = (letter, i) => {
      const rest = steps.slice(i + 1);
      const early = (after[letter] ?? []).some((before) => rest.includes(before));
      return !early && !(letter in values && rest.some((other) => values[other] < values[letter]));
    };
    const first = steps.findIndex((letter, i) => !fits(letter, i));
    if (first < 0) return verdict(1);
    const message = first ? `The first ${first === 1 ? "step is" : `${first} steps are`} in order. The next one comes too early.` : "The first step comes too early.";
    return verdict(first / steps.length, message, {[steps[first]]: "comes too early"});
  }

  function bug({answer, why, lines}, text) {
    const line = Number(/^(?:line\s*)?([0-9]{1,4})$/.exec(text.toLowerCase())?.[1]);
    if (!(line >= 1 && line <= lines)) unreadable("choose a line");
    return line === answer ? verdict(1, why, {[line]: ""}) : verdict(0, `Line ${line} is right.`, {[line]: ""});
  }

  const GRADERS = {single, multiple, truefalse, number, formula, stable: formula, order, bug};

  function grade(question, answer) {
    if (!answer.trim()) unreadable("Give an answer first.");
    return GRADERS[question.kind](question, answer.trim());
  }

  Object.assign(window.dlref, {Unreadable, grade, tree});
})();
