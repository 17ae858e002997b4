/* Typed text into a small tree: the same grammar and the same refusals as dlquiz.formula.parser. Nothing is ever run as code. */
(() => {
  const ONE = "abs sign sqrt exp log log1p expm1 log2 log10 sin cos tan sinh cosh tanh atan erf sigmoid softplus relu".split(" ");
  const ARITY = new Map([...ONE.map((name) => [name, [1, 1]]), ["max", [2, 8]], ["min", [2, 8]], ["clip", [3, 3]], ["where", [3, 3]]]);
  const ALIASES = new Map(Object.entries({ln: "log", sgn: "sign", arctan: "atan", maximum: "max", minimum: "min", clamp: "clip", logistic: "sigmoid", "σ": "sigmoid"}));
  const SPELLINGS = {"·": "*", "×": "*", "⋅": "*", "−": "-", "–": "-", "²": "^2", "³": "^3", "½": "(1/2)", "≤": "<=", "≥": ">=", "≠": "!="};
  const TOKEN = /\s*(?:(?<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?<name>[\p{L}_][\p{L}\p{N}_]*(?:\.[\p{L}\p{N}_]+)*)|(?<sign>\*\*|<=|>=|==|!=|[-+*/^(),<>=|.]))/uy;
  const LIBRARIES = "np numpy torch math tf jnp F mpmath scipy".split(" ");
  const COMPARISONS = ["<", "<=", ">", ">=", "==", "!="];
  const LOGIC = ["and", "or", "not"];
  const WORDS = ["if", "else", ...LOGIC];
  const BINDING = {"+": 1, "-": 1, "*": 2, "/": 2, "^": 4, "**": 4};
  const UNARY = 3;
  const MAX = {chars: 400, nodes: 200, depth: 160, digits: 25};

  class FormulaError extends Error {}
  const refuse = (message) => { throw new FormulaError(message); };
  const isCondition = (node) => COMPARISONS.includes(node.op) || LOGIC.includes(node.op);

  const quoted = (sign) => (sign === "'" ? `"'"` : `'${sign}'`);

  function tokens(text) {
    if (!text) refuse("empty answer");
    if (text.length > MAX.chars) refuse(`longer than ${MAX.chars} characters`);
    const source = text.replace(/[·×⋅−–²³½≤≥≠]/g, (sign) => SPELLINGS[sign]);
    const found = [];
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < source.length) {
      const at = TOKEN.lastIndex;
      const match = TOKEN.exec(source);
      if (!match) refuse(`character ${quoted(source.slice(at).trimStart()[0])} is not part of a formula`);
      const [kind, word] = Object.entries(match.groups).find(([, value]) => value !== undefined);
      found.push({kind: WORDS.includes(word) ? "sign" : kind, text: word});
    }
    return [...found, {kind: "end", text: "end"}];
  }

  class Reader {
    constructor(text, names, forbid) {
      Object.assign(this, {text: text.trim(), tokens: tokens(text.trim()), names, forbid, at: 0, depth: 0, nodes: 0});
    }

    get token() { return this.tokens[this.at]; }
    take() { return this.tokens[this.at++]; }
    accept(text) {
      const found = this.token.kind !== "number" && this.token.text === text;
      this.at += found;
      return found;
    }
    expect(text, message) { if (!this.accept(text)) refuse(message); }
    close(message) {
      if (this.accept(")")) return;
      this.token.text === "|" || this.lacksProduct() ? this.unexpected() : refuse(message);
    }
    count() { if (++this.nodes > MAX.nodes) refuse("formula too large"); }
    deeper() { if (++this.depth > MAX.depth) refuse("nested too deeply"); }

    make(op, ...args) {
      this.count();
      args.forEach((arg, i) => this.check(arg, LOGIC.includes(op) || (op === "where" && i === 0)));
      return {op, args};
    }

    check(node, condition) {
      if (condition && !isCondition(node)) this.token.text === "=" ? this.unexpected() : refuse("a condition needs a comparison: < <= > >= == !=");
      if (!condition && isCondition(node)) refuse("a comparison stands only inside where(...)");
      return node;
    }

    unexpected() {
      const {token} = this;
      if (token.text === "|") this.missingAbs();
      if (token.text === "=") refuse("type the right-hand side only, without '='");
      if (token.text === ".") refuse("'.' is no operator; multiply with '*'");
      if (token.kind === "end") refuse("the formula ends too early");
      if (this.lacksProduct()) this.missingProduct(this.tokens[this.at - 1], token);
      if (COMPARISONS.includes(token.text)) refuse("a comparison stands only inside where(...)");
      refuse(`'${token.text}' is not expected here`);
    }

    lacksProduct() {
      const {token} = this;
      const before = this.tokens[this.at - 1];
      const operand = token.text === "(" || ["number", "name"].includes(token.kind);
      return operand && before !== undefined && (["number", "name"].includes(before.kind) || before.text === ")");
    }

    missingAbs() {
      const parts = this.text.split("|");
      const inside = parts[1].trim();
      const shown = inside && inside.length <= 20 && parts.length > 2 ? inside : "x";
      refuse(`write abs(${shown}), not |${shown}|`);
    }

    missingProduct(before, token) {
      if (ARITY.has(before.text) || ALIASES.has(before.text)) refuse(`write ${before.text}(...): a function needs parentheses`);
      const rest = token.text === "(" ? "(...)" : token.text;
      refuse(`write ${before.text === ")" ? "(...)" : before.text}*${rest}: a product needs '*'`);
    }

    /* The grammar, loosest binding first. */
    expression() {
      this.deeper();
      let value = this.junction("or", "and");
      if (this.accept("if")) {
        const condition = this.junction("or", "and");
        this.expect("else", "write: a if condition else b");
        value = this.make("where", condition, value, this.expression());
      }
      this.depth--;
      return value;
    }

    junction(word, ...tighter) {
      const part = () => (tighter.length ? this.junction(...tighter) : this.negation());
      let node = part();
      while (this.accept(word)) node = this.make(word, node, part());
      return node;
    }

    negation() {
      this.deeper();
      const node = this.accept("not") ? this.make("not", this.negation()) : this.comparison();
      this.depth--;
      return node;
    }

    comparison() {
      let left = this.operation(0);
      let chain = null;
      while (COMPARISONS.includes(this.token.text)) {
        const op = this.take().text;
        const right = this.operation(0);
        const link = this.make(op, left, right);
        chain = chain ? this.make("and", chain, link) : link;
        left = right;
      }
      return chain ?? left;
    }

    operation(floor) {
      this.deeper();
      let left = this.operand();
      while ((BINDING[this.token.text] ?? 0) > floor) {
        const op = this.take().text.replace("**", "^");
        left = this.make(op, left, this.operation(BINDING[op] - (op === "^" ? 1 : 0))); // a power binds to the right
      }
      this.depth--;
      return left;
    }

    operand() {
      const token = this.take();
      if (token.kind === "number") return this.number(token);
      if (token.text === "-" || token.text === "+") {
        const value = this.operation(UNARY - 1);
        return token.text === "-" ? this.make("negative", value) : value;
      }
      if (token.text === "(") {
        const node = this.expression();
        this.close("a parenthesis is not closed");
        return node;
      }
      if (token.kind === "name") return this.token.text === "(" ? this.call(token) : this.name(token);
      this.at--;
      return this.unexpected();
    }

    call(token) {
      const op = ALIASES.get(token.text) ?? (ARITY.has(token.text) ? token.text : token.text.toLowerCase());
      if (!ARITY.has(op)) this.unknownFunction(token);
      if (this.forbid.includes(op)) refuse(`this answer must do without ${op}`);
      this.accept("(");
      const args = [this.expression()];
      while (this.accept(",")) args.push(this.expression());
      this.close(`the parenthesis of ${token.text} is not closed`);
      const [low, high] = ARITY.get(op);
      const wanted = low === high ? low : `${low} to ${high}`;
      if (args.length < low || args.length > high) refuse(`${op} takes ${wanted} argument${high > 1 ? "s" : ""}, got ${args.length}`);
      return this.make(op, ...args);
    }

    name({text}) {
      this.count();
      if (this.names.includes(text) || text === "pi" || text === "e") return {name: text};
      if (ARITY.has(text) || ALIASES.has(text)) refuse(`write ${text}(...): a function needs parentheses`);
      return this.unknown(text, [...this.names, "pi", "e"]);
    }

    number({text}) {
      this.count();
      if (text.length > MAX.digits || Number(text) > 1e300) refuse("number too large");
      return {value: Number(text)};
    }

    unknownFunction({text}) {
      if (this.names.includes(text) || text === "pi" || text === "e") refuse(`write ${text}*(...): a product needs '*'`);
      this.unknown(text, [...ARITY.keys(), ...ALIASES.keys()]);
    }

    unknown(text, known) {
      const dot = text.lastIndexOf(".");
      const rest = text.slice(dot + 1);
      if (dot > 0 || LIBRARIES.includes(rest)) {
        const example = ARITY.has(rest) ? rest : "exp";
        refuse(`write ${example}(x), not ${dot > 0 ? text.slice(0, dot) : rest}.${example}(x): names have no '.'`);
      }
      const alike = known.map((name) => [likeness(name, text), name]).filter(([score]) => score >= 0.6);
      alike.sort(([a, one], [b, other]) => b - a || (one < other ? 1 : -1));
      if (alike.length) refuse(`unknown name '${text}'; did you mean '${alike[0][1]}'?`);
      const used = [...this.names].sort().slice(0, 8).join(", ");
      refuse(`unknown name '${text}'${used && `; this answer uses ${used}`}`);
    }
  }

  /* How alike two words are, from 0 to 1, as Python's difflib has it: "did you mean" says the same here and there. */
  function likeness(a, b) {
    return (2 * common(a, b)) / (a.length + b.length);
  }

  /* Letters in common: the longest common piece, and the same on either side of it. */
  function common(a, b) {
    let [best, i, j] = [0, 0, 0];
    for (let m = 0; m < a.length; m++) {
      for (let n = 0; n < b.length; n++) {
        let size = 0;
        while (m + size < a.length && a[m + size] === b[n + size]) size++;
        if (size > best) [best, i, j] = [size, m, n];
      }
    }
    return best && best + common(a.slice(0, i), b.slice(0, j)) + common(a.slice(i + best), b.slice(j + best));
  }

  function read(text, names, forbid = []) {
    const reader = new Reader(text, names, forbid);
    const tree = reader.check(reader.expression(), false);
    if (reader.token.kind !== "end") reader.unexpected();
    return tree;
  }

  window.dlref = Object.assign(window.dlref ?? {}, {FormulaError, read});
})();
