/* What every page needs: its formulas drawn, names for what Material leaves nameless, and wide things reachable by keyboard. */
(() => {
  const all = (selector) => document.querySelectorAll(selector);

  function drawFormulas() {
    for (const element of all(".arithmatex")) {
      const tex = element.textContent.trim(); // \( … \) or \[ … \]
      katex.render(tex.slice(2, -2), element, {displayMode: tex.startsWith("\\["), throwOnError: false});
    }
  }

  function nameLandmarks() {
    document.querySelector(".md-search[role=dialog]")?.setAttribute("aria-label", "Search");
    all(".md-code__nav").forEach((nav, i) => nav.setAttribute("aria-label", `Code block ${i + 1}`));
  }

  /* What scrolls sideways must be reachable without a mouse. */
  function reachScrolling() {
    for (const element of all(".dl-scroll, .katex-display, .md-typeset__scrollwrap, .md-typeset pre > code")) {
      if (element.scrollWidth > element.clientWidth + 1) element.tabIndex = 0;
      else element.removeAttribute("tabindex");
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    drawFormulas();
    nameLandmarks();
    document.fonts.ready.then(reachScrolling);
    addEventListener("resize", reachScrolling);
    document.addEventListener("toggle", reachScrolling, true); // an opened <details> has a width at last
  });
})();
