/* What a formula is worth at a point.
 *
 * `enclose` computes in doubles and carries a bound on the rounding error along, because the terminal compares in 50
 * digits: where doubles cannot tell two forms apart, the page must not call one of them wrong.
 * `inFloats` rounds after every operation as float32 (or float64) does: the question whether a form survives.
 */
(() => {
  const {read} = window.dlref;
  const UNIT = 2 ** -52; // twice the rounding error of one operation: the library functions are that good
  const SMALLEST = 2 ** -1074; // what a double calls 0 may be anything below it
  const LARGEST = {exponent: 1e4, angle: 1e9};

  class Undefined extends Error {} // no real value here
  class Unsure extends Error {} // doubles cannot say

  const limit = (fine, why) => { if (!fine) throw new Unsure(why); };
  const ball = (value, error = 0) => {
    limit(Number.isFinite(value) && Number.isFinite(error), "overflow");
    return {value, error: error + UNIT * Math.abs(value)};
  };
  const vanishing = ({value, error}) => ({value, error: value ? error : Math.max(error, SMALLEST)});
  const exact = (value) => ({value, error: 0});

  /* A condition on the sign of x is only as good as x. */
  function decide(x, test) {
    limit(!x.error || Math.abs(x.value) > x.error, "too close to call");
    return test(x.value);
  }
  const minus = (a, b) => {
    const value = a.value - b.value;
    const plain = !a.error && !b.error && (value === 0 || Number.isInteger(value));
    return plain ? exact(value) : ball(value, a.error + b.error);
  };
  const demand = (truth, why) => { if (!truth) throw new Undefined(why); };
  const positive = (x) => demand(decide(x, (v) => v > 0), "the logarithm of a number that is not positive");

  function erf(x) {
    if (Math.abs(x) > 6) return Math.sign(x);
    let term = x, sum = x;
    for (let n = 1; n < 200; n++) sum += term *= (2 * x * x) / (2 * n + 1);
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  }

  /* A smooth function: the error of its argument times the slope, which `slope` bounds near x. */
  const smooth = (f, slope) => (x) => ball(f(x.value), x.error * Math.abs(slope(x.value)));
  const monotone = (f, checked = () => {}) => (x) => {
    checked(x);
    const value = f(x.value);
    const spread = Math.max(Math.abs(f(x.value + x.error) - value), Math.abs(f(x.value - x.error) - value));
    return ball(value, x.error ? spread : 0);
  };
  const angle = (x) => limit(Math.abs(x.value) <= LARGEST.angle, "the angle is too large");
  const grow = monotone(Math.exp);
  const exp = (x) => vanishing(grow(x));
  const log = monotone(Math.log, positive);
  const one = exact(1);

  function power(a, b) {
    if (a.value === 0 && !a.error) {
      demand(decide(b, (v) => v >= 0), "division by zero");
      return exact(b.value === 0 ? 1 : 0);
    }
    const whole = Number.isInteger(b.value) && !b.error;
    if (!whole) demand(decide(a, (v) => v > 0), "a negative number to a fractional power");
    limit(b.value * Math.log(Math.abs(a.value)) <= LARGEST.exponent, "overflow");
    const value = a.value ** b.value;
    const slopes = a.error * Math.abs(b.value / a.value) + b.error * Math.abs(Math.log(Math.abs(a.value)));
    return vanishing(ball(value, Math.abs(value) * (slopes + UNIT * Math.abs(b.value))));
  }

  function divide(a, b) {
    demand(decide(b, (v) => v !== 0), "division by zero");
    const quotient = ball(a.value / b.value, (a.error + Math.abs(a.value / b.value) * b.error) / Math.abs(b.value));
    return a.value ? vanishing(quotient) : quotient;
  }

  function times(a, b) {
    const product = ball(a.value * b.value, Math.abs(a.value) * b.error + Math.abs(b.value) * a.error + a.error * b.error);
    return a.value && b.value ? vanishing(product) : product;
  }

  const pick = (better) => (...args) => {
    const best = args.reduce((a, b) => (better(b.value, a.value) ? b : a));
    return {value: best.value, error: Math.max(...args.map((a) => a.error))};
  };
  const max = pick((a, b) => a > b);
  const min = pick((a, b) => a < b);

  const ENCLOSED = {
    "+": (a, b) => ball(a.value + b.value, a.error + b.error),
    "-": minus,
    "*": times,
    "/": divide,
    "^": power,
    negative: (x) => ({value: -x.value, error: x.error}),
    abs: (x) => ({value: Math.abs(x.value), error: x.error}),
    sign: (x) => exact(decide(x, Math.sign)),
    sqrt: monotone(Math.sqrt, (x) => demand(decide(x, (v) => v >= 0), "the square root of a negative number")),
    exp, log,
    log1p: monotone(Math.log1p, (x) => positive(minus(x, exact(-1)))),
    expm1: monotone(Math.expm1),
    log2: monotone(Math.log2, positive),
    log10: monotone(Math.log10, positive),
    sin: (x) => (angle(x), smooth(Math.sin, () => 1)(x)),
    cos: (x) => (angle(x), smooth(Math.cos, () => 1)(x)),
    tan: (x) => (angle(x), smooth(Math.tan, (v) => 1 + 2 * Math.tan(v) ** 2)(x)),
    sinh: monotone(Math.sinh),
    cosh: smooth(Math.cosh, Math.sinh),
    tanh: monotone(Math.tanh),
    atan: monotone(Math.atan),
    erf: (x) => { const {value, error} = monotone(erf)(x); return {value, error: error + 64 * UNIT * Math.abs(value)}; },
    sigmoid: (x) => divide(one, ENCLOSED["+"](one, exp({value: -x.value, error: x.error}))),
    softplus: (x) => ENCLOSED.log1p(exp(x)),
    relu: (x) => max(x, exact(0)),
    max,
    min,
    clip: (x, low, high) => min(max(x, low), high),
    "<": (a, b) => decide(minus(a, b), (v) => v < 0),
    "<=": (a, b) => decide(minus(a, b), (v) => v <= 0),
    ">": (a, b) => decide(minus(a, b), (v) => v > 0),
    ">=": (a, b) => decide(minus(a, b), (v) => v >= 0),
    "==": (a, b) => decide(minus(a, b), (v) => v === 0),
    "!=": (a, b) => decide(minus(a, b), (v) => v !== 0),
    and: (a, b) => a && b,
    or: (a, b) => a || b,
    not: (a) => !a,
  };

  function walk(node, point, table, number) {
    if ("value" in node) return number(node.value);
    if ("name" in node) return number(point[node.name] ?? {pi: Math.PI, e: Math.E}[node.name]);
    const [first, ...rest] = node.args;
    if (node.op === "where") return walk(walk(first, point, table, number) ? rest[0] : rest[1], point, table, number);
    return table[node.op](...node.args.map((arg) => walk(arg, point, table, number)));
  }

  /* {value, error}, or {undefined: why}, or {unsure: why} where doubles cannot say. A point's own numbers are exact. */
  function enclose(tree, point) {
    const given = new Set(Object.values(point));
    const number = (v) => (Number.isInteger(v) || given.has(v) ? exact(v) : ball(v));
    try {
      return walk(tree, point, ENCLOSED, number);
    } catch (error) {
      if (error instanceof Undefined) return {undefined: error.message};
      if (error instanceof Unsure) return {unsure: error.message};
      throw error;
    }
  }

  /* Every operation rounded to the type, sigmoid and softplus in their textbook forms, which is their lesson. */
  function floatTable(round) {
    const plain = {};
    for (const name of "abs sign sqrt exp log log1p expm1 log2 log10 sin cos tan sinh cosh tanh atan max min".split(" ")) plain[name] = Math[name];
    const compare = {"<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b, "==": (a, b) => a === b, "!=": (a, b) => a !== b};
    const arithmetic = {
      "+": (a, b) => a + b, "-": (a, b) => a - b, "*": (a, b) => a * b, "/": (a, b) => a / b, "^": (a, b) => a ** b,
      negative: (a) => -a,
      erf,
      sigmoid: (x) => 1 / round(1 + round(Math.exp(-x))),
      softplus: (x) => Math.log(round(1 + round(Math.exp(x)))),
      relu: (x) => Math.max(x, 0),
      clip: (x, low, high) => Math.min(Math.max(x, low), high),
      ...plain,
    };
    const rounded = Object.entries(arithmetic).map(([name, f]) => [name, (...args) => round(f(...args))]);
    return {...Object.fromEntries(rounded), ...compare, and: (a, b) => a && b, or: (a, b) => a || b, not: (a) => !a};
  }

  function inFloats(tree, point, dtype) {
    const round = dtype === "float32" ? Math.fround : (v) => v;
    return walk(tree, point, floatTable(round), round);
  }

  /* Compare with the key's values. `points` are [{at, key, special}, …]; the page gets them from the terminal's engine. */
  function same(tree, points, ties) {
    let agreed = 0;
    for (const {at, key, special} of points) {
      const got = enclose(tree, at);
      if (got.unsure) continue;
      const want = Number(key);
      if (got.undefined) {
        if (!special) return {equal: false, at, got: "no value", want: key, why: got.undefined};
        continue;
      }
      const room = got.error + 4 * UNIT * Math.abs(want);
      if (Math.abs(got.value - want) > room) {
        const numbers = Object.values(at);
        const tie = numbers.includes(0) || new Set(numbers).size < numbers.length;
        if (special && tie && !ties) continue; // at a kink any convention will do
        return {equal: false, at, got: Number(got.value.toPrecision(8)), want: Number(want.toPrecision(8))};
      }
      if (room <= 1e-6 * Math.abs(want) || (want === 0 && room < 1e-9)) agreed++;
    }
    return agreed < 8 ? {equal: false, undecided: true} : {equal: true};
  }

  Object.assign(window.dlref, {enclose, inFloats, same, read});
})();
