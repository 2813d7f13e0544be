// Buttons and links.
// What the nearest layer over the page (a dialog, a banner) is called and says: it tells what a control in it is about.
const layers = new Map();
const layerOf = (el) => {
  for (let n = up(el), i = 0; n && n.nodeType === 1 && !isTopLevel(n) && i < 14; n = up(n), i++) {
    if (!layers.has(n)) {
      const named = clean(attr(n, "id") + " " + attr(n, "class"), 60), position = getComputedStyle(n).position;
      const lies = localName(n) === "dialog" || /^(alert)?dialog$/.test(attr(n, "role")) || /cookie|consent|gdpr/i.test(named) || position === "fixed" || position === "sticky";
      layers.set(n, lies ? clean(named + " " + attr(n, "aria-label") + " " + ownText(n, 300), 380) : "");
    }
    if (layers.get(n)) return layers.get(n);
  }
  return "";
};
let layered = 0;
for (let i = 0; i < buttonEls.length; i++) {
  const el = buttonEls[i], tagName = localName(el), r = rectOf(el);
  const link = tagName === "a" || tagName === "area" || attr(el, "role") === "link";
  let group = -1;
  const form = ownerForm(el);
  if (form && !isWide(form)) for (let g = 0; g < groupEls.length; g++) if (groupEls[g] === form) group = g;
  if (group < 0 && !(form && !isWide(form))) {
    // the smallest pseudo-form around it
    for (let g = 0; g < groupEls.length; g++) if (!groupReal[g] && within(groupEls[g], el) && (group < 0 || contains(groupEls[group], groupEls[g]))) group = g;
  }
  if (r.width < 1 && r.height < 1 && link && group < 0) {
    // Closed menus: only their words matter (a sign-out tells of a session).
    if (tucked.length < 80) tucked.push(clean(ownText(el, 40) || attr(el, "aria-label"), 40) + "\t" + clean(attr(el, "href"), 60));
    continue;
  }
  let text = tagName === "input" ? clean(attr(el, "type") === "image" ? attr(el, "alt") : el.value || attr(el, "value"), 100) : ownText(el, 100);
  if (!text && tagName !== "input") {
    const picture = queryAll(el, "img[alt]:not([alt='']),svg title,[aria-label]");
    if (picture.length) text = clean(attr(picture[0], "alt") || attr(picture[0], "aria-label") || textOf(picture[0]), 80);
  }
  // A button that is only a picture: the name of the file often says what it does.
  const image = tagName === "input" ? attr(el, "src") : !text && group >= 0 && queryAll(el, "img[src]").length ? attr(queryAll(el, "img[src]")[0], "src") : "";
  const why = link && group < 0 ? (isShown(el, SHOWN) ? "" : "hidden") : hiddenWhy(el, r);
  buttons.push({
    tag: tagName, type: (tagName === "button" ? attr(el, "type") || "submit" : attr(el, "type")).toLowerCase(), role: attr(el, "role"), link, text,
    aria: clean((has(el, "aria-labelledby") ? byIds(el, attr(el, "aria-labelledby"), 80) + " " : "") + attr(el, "aria-label"), 80), title: clean(attr(el, "title"), 60),
    name: clean(attr(el, "name"), 60), id: clean(attr(el, "id"), 60), cls: link && group < 0 ? "" : clean(attr(el, "class"), 100),
    data: link && group < 0 ? "" : clean(attr(el, "data-testid") + " " + attr(el, "data-test") + " " + attr(el, "data-cy") + " " + attr(el, "data-action") + " " + (image.startsWith("data:") ? "" : image.split(/[?#]/)[0].split("/").pop()), 80),
    href: link ? clean(attr(el, "href"), 120) : "", expanded: attr(el, "aria-expanded"), selected: attr(el, "aria-selected"), popup: attr(el, "aria-haspopup"),
    disabled: !!el.disabled || attr(el, "aria-disabled") === "true", why, box: box(r), group, el,
    layer: !why && text.length <= 60 && (!link || !/^[^#]/.test(attr(el, "href"))) && layered++ < 80 ? layerOf(el) : "",
  });
}
// A form whose button lies just outside it: take the button nearest behind it in the same small container.
for (let g = 0; g < groupEls.length; g++) {
  let own = false;
  for (let i = 0; i < buttons.length && !own; i++) own = buttons[i].group === g && !buttons[i].link && !buttons[i].why;
  if (own) continue;
  let parent = up(groupEls[g]);
  for (let k = 0; k < 3 && parent && parent.nodeType === 1 && !isTopLevel(parent); k++, parent = up(parent)) {
    let taken = false;
    for (let i = 0; i < buttons.length; i++) { const b = buttons[i]; if (b.group < 0 && !b.link && !b.why && within(parent, b.el) && follows(groupEls[g], b.el)) { b.group = g; taken = true; } }
    if (taken) break;
  }
}
