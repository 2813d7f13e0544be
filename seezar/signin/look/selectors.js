// Selectors.
// One CSS path a tree; a path inside a shadow root is relative to its host. Ids that look generated are not used.
// Only plain characters: the driver's own CSS parser does not take every escape.
const stable = (id) => /^[A-Za-z_][\w-]{0,63}$/.test(id) && !/\d{4,}|[0-9a-f]{8,}|^(ember|radix|mui|ext-gen|yui|react|headlessui)/i.test(id);
// The pass counted ids and names; only when it was cut short the tree is asked.
const unique = (root, selector, count) => { if (!truncated) return count === 1; try { return queryAll(root, selector).length === 1; } catch (e) { return false; } };
const byId = (root, id) => { if (!stable(id)) return ""; const s = "#" + id; return unique(root, s, ids.get(id)) ? s : ""; };
const nths = new Map(), paths = new Map();
const nthOf = (el) => {
  if (!nths.has(el)) {
    const counts = {};
    const parent = parentOf(el);
    let place = 0;
    for (let child = parent && parent.nodeType === 1 ? firstElement(parent) : parent ? parent.firstElementChild : el; child; child = nextElement(child)) {
      const tag = localName(child);
      counts[tag] = (counts[tag] || 0) + 1;
      nths.set(child, [counts[tag], ++place]);
    }
  }
  return nths.get(el) || [1, 1];
};
const stepOf = (el) => {
  const tag = localName(el), [nth, place] = nthOf(el);
  return /^[a-z][\w-]*$/.test(tag) ? tag + ":nth-of-type(" + nth + ")" : ":nth-child(" + place + ")";
};
const pathFrom = (root, node) => {
  if (paths.has(node)) return paths.get(node);
  let path = byId(root, attr(node, "id"));
  if (!path) {
    const parent = parentOf(node);
    const step = stepOf(node);
    path = parent && parent.nodeType === 1 ? pathFrom(root, parent) + " > " + step : root.nodeType === 11 ? step : localName(node);
  }
  paths.set(node, path);
  return path;
};
const pathIn = (root, el) => {
  const id = byId(root, attr(el, "id"));
  if (id) return id;
  const name = attr(el, "name"), tag = localName(el);
  if (/^[\w\-[\].:$@]{1,64}$/.test(name) && !truncated && names.get(tag + " " + name) === 1) return tag + '[name="' + name + '"]';
  return pathFrom(root, el);
};
const selectorOf = (el) => {
  const steps = [];
  for (let node = el; node; ) {
    const root = rootOf(node);
    const path = pathIn(root, node);
    let nth = 0;
    if (root.nodeType === 11) {
      const same = queryAll(root, path);
      for (let i = 0; i < same.length; i++) if (same[i] === node) nth = i;
    }
    steps.unshift([path, nth]);
    node = root.nodeType === 11 ? root.host : null;
  }
  return steps;
};
