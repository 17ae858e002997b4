/* A formula's tree as LaTeX, so that one sees how the page has read what was typed. */
(() => {
  const GREEK = "alpha beta gamma delta epsilon lambda mu sigma theta tau".split(" ");
  const LOOSE = {"+": 1, "-": 1, negative: 1, "*": 2, "/": 9, "^": 4, where: 0};
  const RELATIONS = {"<": "<", "<=": "\\le", ">": ">", ">=": "\\ge", "==": "=", "!=": "\\ne"};
  const NAMED = {exp: "\\exp", log: "\\log", sin: "\\sin", cos: "\\cos", tan: "\\tan", sinh: "\\sinh", cosh: "\\cosh", tanh: "\\tanh", max: "\\max", min: "\\min", sigmoid: "\\sigma"};

  function symbol(name) {
    const [, stem, index] = name.match(/^(.*?)_?(\d*)$/);
    const letter = GREEK.includes(stem) ? `\\${stem}` : stem === "pi" ? "\\pi" : stem.length > 1 ? `\\mathrm{${stem.replaceAll("_", "\\_")}}` : stem;
    return index ? `${letter}_{${index}}` : letter;
  }

  const loose = (node) => (node.op ? LOOSE[node.op] ?? 9 : 9);
  const bracketed = (text) => `\\left(${text}\\right)`;
  const at = (node, floor) => (loose(node) < floor ? bracketed(latex(node)) : latex(node));

  function latex(node) {
    if ("value" in node) return String(node.value).replace(/e([-+]?)\+?(\d+)/, (_, sign, n) => `\\cdot 10^{${sign === "-" ? "-" : ""}${n}}`);
    if ("name" in node) return symbol(node.name);
    const [a, b, c] = node.args;
    switch (node.op) {
      case "+": return `${at(a, 1)} + ${at(b, 1)}`;
      case "-": return `${at(a, 1)} - ${at(b, 2)}`;
      case "*": return `${at(a, 2)} \\cdot ${at(b, 2)}`;
      case "/": return `\\frac{${latex(a)}}{${latex(b)}}`;
      case "^": return `{${a.op ? bracketed(latex(a)) : latex(a)}}^{${latex(b)}}`;
      case "negative": return `-${at(a, 2)}`;
      case "abs": return `\\left|${latex(a)}\\right|`;
      case "sqrt": return `\\sqrt{${latex(a)}}`;
      case "where": return `\\begin{cases}${latex(b)} & ${latex(a)}\\\\ ${latex(c)} & \\text{else}\\end{cases}`;
      case "and": case "or": return `${latex(a)}\\ \\text{${node.op}}\\ ${latex(b)}`;
      case "not": return `\\text{not}\\ ${bracketed(latex(a))}`;
      default: if (RELATIONS[node.op]) return `${latex(a)} ${RELATIONS[node.op]} ${latex(b)}`;
    }
    return `${NAMED[node.op] ?? `\\operatorname{${node.op}}`}${bracketed(node.args.map(latex).join(", "))}`;
  }

  Object.assign(window.dlref, {latex});
})();
