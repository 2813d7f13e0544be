"""Making what pages hide in closed shadow roots reachable."""

from typing import Final

# Shadow roots that a page closes cannot be reached by any locator. This script, added to a browser context before its
# pages load (`context.add_init_script(OPEN_SHADOW_ROOTS)`), opens those that scripts attach. Declarative closed roots
# (`<template shadowrootmode="closed">`) are made by the parser and stay closed.
OPEN_SHADOW_ROOTS: Final = """(() => {
  const attach = Element.prototype.attachShadow;
  const opened = (init) => (init && init.mode === "closed" ? Object.assign({}, init, { mode: "open" }) : init);
  Object.defineProperty(Element.prototype, "attachShadow", {
    configurable: true,
    writable: true,
    enumerable: true,
    value: function attachShadow(init) { return attach.call(this, opened(init)); },
  });
})();"""
