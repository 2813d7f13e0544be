// Groups: forms, and what stands for one where there is none.
const groupEls = [], groupReal = [];
const groupIndex = (el, real) => {
  for (let i = 0; i < groupEls.length; i++) if (groupEls[i] === el) return i;
  groupEls.push(el); groupReal.push(real);
  return groupEls.length - 1;
};
// One <form> around a whole page (a habit of some frameworks) is no form to us.
const wide = [], narrow = [];
const isWide = (form) => {
  for (let i = 0; i < wide.length; i++) if (wide[i] === form) return true;
  for (let i = 0; i < narrow.length; i++) if (narrow[i] === form) return false;
  const linksInside = queryAll(form, "a[href]").length;
  const answer = linksInside > 25 || queryAll(form, "header,footer,nav,[role=navigation],[role=banner],[role=contentinfo],[role=search],main").length > 0;
  (answer ? wide : narrow).push(form);
  return answer;
};
const submitLike = (el) => { const t = (localName(el) === "button" ? attr(el, "type") || "submit" : attr(el, "type")).toLowerCase(); return (localName(el) === "button" || localName(el) === "input") && (t === "submit" || t === "image"); };
const loose = [];
for (let i = 0; i < fields.length; i++) {
  const form = ownerForm(fields[i].el);
  if (form && !isWide(form)) fields[i].group = groupIndex(form, true);
  else if (!fields[i].why || fields[i].why === "opacity" || fields[i].why === "veiled") loose.push(fields[i]);
}
const chain = (el) => { const out = []; for (let n = el; n && n.nodeType === 1; n = up(n)) out.push(n); return out; };
const common = (a, b) => { const ca = chain(a), cb = chain(b); let i = ca.length - 1, j = cb.length - 1, last = null; while (i >= 0 && j >= 0 && ca[i] === cb[j]) { last = ca[i]; i--; j--; } return [last, Math.max(i, j) + 1]; };
// Fields without a form of their own: neighbours in the tree belong together, unless a button that sends stands between them.
const clusters = [];
const sendsBetween = (first, second, top) => {
  for (let k = 0; k < buttonEls.length; k++) {
    const b = buttonEls[k];
    if (submitLike(b) && (attr(b, "type") || localName(b) === "input") && follows(first, b) && follows(b, second) && within(top, b) && rectOf(b).width > 60) return true;
  }
  return false;
};
for (let i = 0; i < loose.length && i < 150; i++) {
  const el = loose[i].el, last = clusters.length ? clusters[clusters.length - 1] : null;
  if (last) {
    const previous = last.fields[last.fields.length - 1].el;
    const [top, distance] = common(previous, el);
    const flat = isTopLevel(top) || (localName(top) === "form" && isWide(top));
    if (top && distance <= 6 && (!flat || distance <= 3 || loose.length <= 3) && !sendsBetween(previous, el, top)) {
      last.fields.push(loose[i]);
      last.top = common(last.top, top)[0];
      continue;
    }
  }
  const parent = up(el);
  clusters.push({ top: parent && parent.nodeType === 1 ? parent : el, fields: [loose[i]] });
}
const anyButtonIn = (el) => { for (let k = 0; k < buttonEls.length; k++) if (localName(buttonEls[k]) !== "a" && within(el, buttonEls[k]) && rectOf(buttonEls[k]).width >= 40) return true; return false; };
const LANDMARKS = { header: 1, nav: 1, footer: 1, aside: 1, search: 1 };
// Grow each cluster until it holds a button; a box to tick beside the fields joins them on the way.
for (let i = 0; i < clusters.length; i++) {
  const own = clusters[i];
  for (let k = 0; k < 6 && own.fields.length && !isTopLevel(own.top) && !anyButtonIn(own.top); k++) {
    const parent = up(own.top);
    if (!parent || parent.nodeType !== 1 || LANDMARKS[localName(own.top)]) break;
    const foreign = [];
    for (let j = 0; j < clusters.length; j++) if (j !== i && clusters[j].fields.length && within(parent, clusters[j].fields[0].el)) foreign.push(clusters[j]);
    if (foreign.length > 1 || (foreign.length && (k > 2 || isTopLevel(parent) && k > 0))) break;
    if (foreign.length) {
      const first = at(foreign[0].fields[0].el) < at(own.fields[0].el) ? foreign[0] : own;
      const merged = first === own ? own.fields.concat(foreign[0].fields) : foreign[0].fields.concat(own.fields);
      own.fields = merged;
      foreign[0].fields = [];
    }
    own.top = parent;
  }
}
for (let i = 0; i < clusters.length; i++) {
  if (!clusters[i].fields.length) continue;
  const index = groupIndex(clusters[i].top, false);
  for (let j = 0; j < clusters[i].fields.length; j++) clusters[i].fields[j].group = index;
}
