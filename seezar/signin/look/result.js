// Words of groups and page.
// Elements in document order get one running number, shared by fields, buttons, headings and groups.
const order = [];
for (let i = 0; i < fields.length; i++) order.push(fields[i]);
for (let i = 0; i < buttons.length; i++) order.push(buttons[i]);
const headings = [];
for (let i = 0; i < headingEls.length; i++) {
  const el = headingEls[i];
  if (!textVisible(el) || background(el)) continue;
  const text = ownText(el, 120);
  if (text) { const entry = { text, level: localName(el), box: box(rectOf(el)), el }; headings.push(entry); order.push(entry); }
}
const groups = [];
for (let g = 0; g < groupEls.length; g++) {
  const el = groupEls[g];
  const dialog = closest(el, "dialog,[role=dialog],[role=alertdialog],[aria-modal=true]");
  const inner = queryAll(el, "h1,h2,h3,h4,h5,h6,legend,[role=heading]");
  let heading = "";
  for (let i = 0; i < inner.length && i < 6; i++) if (textVisible(inner[i])) heading += ownText(inner[i], 80) + " | ";
  let around = "";
  for (let n = el, k = 0; n && n.nodeType === 1 && k < 4 && !isTopLevel(n); n = up(n), k++) around += " " + attr(n, "id") + " " + attr(n, "class");
  const entry = {
    real: groupReal[g], id: clean(attr(el, "id"), 80), name: clean(attr(el, "name"), 80), cls: clean(attr(el, "class"), 160), around: clean(around, 300),
    action: groupReal[g] ? clean(attr(el, "action"), 160) : "", method: attr(el, "method").toLowerCase(), role: attr(el, "role"),
    aria: clean((has(el, "aria-labelledby") ? byIds(el, attr(el, "aria-labelledby"), 100) + " " : "") + attr(el, "aria-label"), 120),
    dialog: dialog ? clean((has(dialog, "aria-labelledby") ? byIds(dialog, attr(dialog, "aria-labelledby"), 100) : "") + " " + attr(dialog, "aria-label"), 140) || "dialog" : "",
    heading: clean(heading, 240), text: ownText(el, 900), box: box(rectOf(el)), onsubmit: has(el, "onsubmit"), el,
    landmark: closest(el, "header,[role=banner],nav") ? "header" : closest(el, "footer,[role=contentinfo]") ? "footer" : closest(el, "aside,[role=complementary]") ? "aside" : closest(el, "[role=search],search") ? "search" : "",
  };
  groups.push(entry); order.push(entry);
}
order.sort((a, b) => at(a.el) - at(b.el));
for (let i = 0; i < order.length; i++) order[i].pos = i;

const alerts = [];
for (let i = 0; i < alertEls.length && alerts.length < 10; i++) {
  const el = alertEls[i];
  if (!textVisible(el) || contains(el, document.body)) continue;
  const text = ownText(el, 240);
  let big = text.length < 3 || text.length >= 240;
  for (let k = 0; k < fields.length && !big; k++) big = within(el, fields[k].el);
  if (!big) alerts.push({ text, role: attr(el, "role"), cls: clean(attr(el, "class"), 100), box: box(rectOf(el)) });
}
const challenges = [];
for (let i = 0; i < challengeEls.length; i++) { const r = rectOf(challengeEls[i]); if (textVisible(challengeEls[i])) challenges.push({ cls: clean(attr(challengeEls[i], "class"), 80), box: box(r) }); }
const frames = [];
for (let i = 0; i < frameEls.length; i++) {
  const el = frameEls[i], r = rectOf(el);
  frames.push({ src: clean(attr(el, "src"), 200), title: clean(attr(el, "title"), 80), name: clean(attr(el, "name"), 60), why: hiddenWhy(el, r), box: box(r) });
}
let text = "", nodes = 0, more = 0;
for (let k = 0; k < roots.length && text.length < limits.text; k++) {
  const top = roots[k] === document ? document.body : roots[k];
  if (!top) continue;
  const walker = document.createTreeWalker(top, 4);
  for (let n = walker.nextNode(); n && nodes++ < 1500 && !(nodes % 200 === 199 && overdue()); n = walker.nextNode()) {
    const value = clean(n.nodeValue, 300);
    if (value.length < 2) continue;
    const parent = parentOf(n);
    if (parent.nodeType === 1 && (SKIP[localName(parent)] || !isShown(parent, OPAQUE))) continue;
    if (text.length < limits.text) text += value + "\n"; else more += value.length;
  }
}

// Paths cost time, so only what may be typed into or clicked gets one: every field, every button, and short links.
for (let i = 0; i < fields.length; i++) { const f = fields[i]; f.path = detailed(i) || f.type === "email" ? selectorOf(f.el) : []; }
let loosePaths = 0;
for (let i = 0; i < buttons.length; i++) {
  const b = buttons[i];
  const wanted = !b.why && (b.group >= 0 || !b.link || ((b.text.length <= 30 || b.aria) && loosePaths++ < limits.paths));
  b.path = wanted ? selectorOf(b.el) : [];
}
// Rows of values in the order that the reader asked for are half the size of objects.
const rows = (items, keys) => {
  const out = [];
  for (let i = 0; i < items.length; i++) { const row = []; for (let k = 0; k < keys.length; k++) row.push(items[i][keys[k]]); out.push(row); }
  return out;
};
// A page that nothing can change by itself need not be watched: no script in it, none that was fetched, no inline handler.
// Looking through all the attributes of a large one takes longer than it spares.
const handled = (root) => {
  if (root === document) return document.evaluate("boolean(//@*[starts-with(name(), 'on')])", document, null, 3, null).booleanValue;
  for (let i = 0, all = queryAll(root, "*"); i < all.length; i++) {
    const given = Element.prototype.getAttributeNames.call(all[i]);
    for (let k = 0; k < given.length; k++) if (given[k].startsWith("on")) return true;
  }
  return false;
};
const still = () => {
  if (truncated || visited > 3000 || document.readyState === "loading") return false;
  for (let k = 0; k < roots.length; k++)
    for (let i = 0, all = queryAll(roots[k], "script"); i < all.length; i++) { const type = attr(all[i], "type"); if (!/json|template/i.test(type)) return false; }
  for (let i = 0, all = performance.getEntriesByType("resource"); i < all.length; i++) if (all[i].initiatorType === "script") return false;
  if (queryAll(document, "meta[http-equiv=refresh i]").length) return false;
  for (let k = 0; k < roots.length; k++) if (handled(roots[k])) return false;
  return true;
};
const result = {
  url: location.href.slice(0, 600), title: clean(document.title, 160), lang: clean(document.documentElement ? attr(document.documentElement, "lang") : "", 20),
  width: viewWidth, height: viewHeight, elements: visited, truncated, modal: !!modal, ready: document.readyState, still: still(),
  fields: rows(fields, limits.keys.fields), buttons: rows(buttons, limits.keys.buttons), groups: rows(groups, limits.keys.groups), headings: rows(headings, limits.keys.headings),
  tucked, alerts, challenges, frames, text, longer: more, milliseconds: performance.now() - started,
};
// Array.prototype.toJSON of old libraries would spoil the string; the driver serialises the object instead, more slowly.
const spoilt = typeof JSON.stringify !== "function" || typeof Array.prototype.toJSON === "function" || typeof Object.prototype.toJSON === "function";
return spoilt ? result : JSON.stringify(result);
