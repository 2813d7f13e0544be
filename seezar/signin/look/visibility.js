// What is visible.
const modals = queryAll(document, "dialog:modal");
const modal = modals.length ? modals[modals.length - 1] : null;
const within = (outer, el) => { for (let n = el; n; n = up(n)) if (n === outer) return true; return false; };
const viewWidth = window.innerWidth, viewHeight = window.innerHeight;
const scrollX = window.scrollX || 0, scrollY = window.scrollY || 0;
const pageWidth = Math.max(viewWidth, document.documentElement ? document.documentElement.scrollWidth : 0);

const OPAQUE = { visibilityProperty: true, contentVisibilityAuto: false, opacityProperty: true };
const SHOWN = { visibilityProperty: true, contentVisibilityAuto: false };
const isShown = (el, options) => !el.checkVisibility || Element.prototype.checkVisibility.call(el, options);
// Off the page for good: left of it, above it, or clipped to nothing. Below the fold is fine.
const offPage = (r) => r.right + scrollX <= 2 || r.bottom + scrollY <= 2 || r.left + scrollX >= pageWidth + 5;
// Behind something: "background" cannot be used at all, "veiled" is only said not to be there for now.
const background = (el) => {
  if (modal && !within(modal, el)) return "background";
  let veiled = "";
  for (let n = el; n; n = up(n)) if (n.nodeType === 1) { if (has(n, "inert")) return "background"; if (attr(n, "aria-hidden") === "true") veiled = "veiled"; }
  return veiled;
};
const clipped = (el) => {
  for (let n = el, i = 0; n && n.nodeType === 1 && i < 4; n = up(n), i++) {
    const style = getComputedStyle(n);
    if (style.clip !== "auto" && /rect\((0|1)(px)?,? (0|1)(px)?,? (0|1)(px)?,? (0|1)(px)?\)/.test(style.clip)) return true;
    if (style.clipPath === "inset(50%)" || style.clipPath === "inset(100%)") return true;
    if (i > 0 && style.overflow !== "visible") { const r = rectOf(n); if (r.width < 3 || r.height < 3) return true; }
  }
  return false;
};
// "" when a person can see and use it, else why not.
const hiddenWhy = (el, r) => {
  if (!isShown(el, SHOWN)) return "hidden";
  if (r.width < 3 || r.height < 3) return "size";
  if (offPage(r)) return "offscreen";
  if (!isShown(el, OPAQUE)) return "opacity";
  return clipped(el) ? "clipped" : background(el);
};
const textVisible = (el) => {
  if (!isShown(el, OPAQUE)) return false;
  const r = rectOf(el);
  return r.width > 1 && r.height > 1 && !offPage(r);
};
