// Takes the labels of a record out of the page and keeps the labelled elements: [element, role, form type].
(record) => {
  const found = [];
  for (const e of document.querySelectorAll("[data-gt]")) {
    found.push([e, e.getAttribute("data-gt"), ""]);
    e.removeAttribute("data-gt");
  }
  for (const e of document.querySelectorAll("[data-label]")) {
    for (const f of e.querySelectorAll("input,select,textarea")) found.push([f, "member", e.getAttribute("data-label")]);
    e.removeAttribute("data-label");
  }
  for (const g of record.gt || []) {
    const form = document.querySelectorAll("form")[g.form];
    const inside = form ? [...form.elements, ...form.querySelectorAll("input[type=image]")] : [];
    let named = inside.filter((e) => e.name === g.name);
    if (!named.length) named = [...document.getElementsByName(g.name)].filter((e) => /INPUT|BUTTON/.test(e.tagName));
    for (const e of named) if (e.type !== "hidden") found.push([e, g.role, g.ftype]);
  }
  window.__labelled = found;
}
