// Words near a thing.
const SKIP = { script: 1, style: 1, noscript: 1, template: 1, option: 1, select: 1, textarea: 1, svg: 1 };
const ownText = (el, size) => {
  let out = "", count = 0;
  const stack = [el];
  while (stack.length && out.length < size && count++ < 400) {
    const node = stack.pop();
    if (node.nodeType === 3) { out += node.nodeValue + " "; continue; }
    if (node.nodeType !== 1 || (node !== el && SKIP[localName(node)])) continue;
    const kids = [];
    for (let c = lastChild(node); c; c = previousNode(c)) kids.push(c);
    for (let i = 0; i < kids.length; i++) stack.push(kids[i]);
  }
  return clean(out, size);
};
const byIds = (el, ids, size) => {
  const root = rootOf(el);
  let out = "";
  const list = ids.split(/\s+/);
  for (let i = 0; i < list.length && i < 4; i++) {
    let found = null;
    try { found = list[i] && root.querySelector ? root.querySelector("#" + CSS.escape(list[i])) : null; } catch (e) { /* not a parent node */ }
    if (found) out += ownText(found, size) + " ";
  }
  return clean(out, size);
};
const isControl = (n) => { const t = localName(n); return t === "input" ? attr(n, "type").toLowerCase() !== "hidden" : t === "button" || t === "select" || t === "textarea"; };
// Text just before a field, up to the control before it.
const textBefore = (el, size) => {
  let out = "", node = el, steps = 0;
  while (node && steps++ < 60 && out.length < size) {
    let prev = previousNode(node), parent = parentOf(node);
    while (!prev && parent && parent.nodeType === 1 && !isTopLevel(parent) && localName(parent) !== "form" && steps++ < 60) {
      if (out.length > 2 && /^(td|tr|li|div|p|section|fieldset)$/.test(localName(parent))) return clean(out, size);
      node = parent; prev = previousNode(node); parent = parentOf(node);
    }
    if (!prev) break;
    if (prev.nodeType === 3) { const t = clean(prev.nodeValue, size); if (t) out = t + " " + out; }
    else if (prev.nodeType === 1) {
      if (isControl(prev) || (firstElement(prev) && queryAll(prev, "input:not([type=hidden]),select,textarea,button").length)) break;
      if (!SKIP[localName(prev)]) { const t = isShown(prev, SHOWN) ? ownText(prev, size) : ""; if (t) out = t + " " + out; }
    }
    node = prev;
  }
  return clean(out, size * 2).slice(-size);
};
const textAfter = (el, size) => {
  let out = "", node = el, steps = 0;
  while (node && steps++ < 12 && out.length < 8) {
    let next = nextNode(node);
    if (!next) { node = parentOf(node); if (!node || node.nodeType !== 1 || isTopLevel(node) || localName(node) === "form" || out) break; continue; }
    if (next.nodeType === 3) out += next.nodeValue + " ";
    else if (next.nodeType === 1) { if (isControl(next)) break; if (!SKIP[localName(next)]) out += ownText(next, size) + " "; }
    out = clean(out, size);
    node = next;
  }
  return out;
};
