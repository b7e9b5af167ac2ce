// Draws the diagrams with Mermaid. Where Mermaid cannot be loaded, its readable source remains; the
// theme's own loader would stop the search as well.
const MERMAID = "https://unpkg.com/mermaid@11/dist/mermaid.esm.min.mjs";
const sources = document.querySelectorAll("pre.diagram");

if (sources.length) {
  import(MERMAID)
    .then(({ default: mermaid }) => {
      const dark = document.body.dataset.mdColorScheme === "slate";
      mermaid.initialize({ startOnLoad: false, theme: dark ? "dark" : "neutral" });
      sources.forEach((source) => source.replaceChildren(source.textContent)); // without its <code>
      return mermaid.run({ nodes: sources });
    })
    .catch(() => {});
}
