// Tells the server of every value in every field, sent in or not. `watch(root)` does so for a shadow root.
(() => {
  const site = document.currentScript.dataset.site;
  const tell = (where, name, value, how) =>
    navigator.sendBeacon(`${site}/_watch`, JSON.stringify({ where, name, value, how }));
  window.watch = (root) =>
    root.addEventListener(
      "input",
      (event) => {
        const field = event.target;
        // A field of a nested shadow root is told by that root's own watch.
        if (!field.matches("input, textarea, select, [contenteditable]")) return;
        const where = field.closest("[data-watch]")?.dataset.watch ?? "bait:loose";
        tell(where, field.name || field.id, field.value ?? field.textContent, "typed");
      },
      true,
    );
  window.choose = (where, value) => tell(where, "choice", value, "chosen");
  window.watch(document);
})();
