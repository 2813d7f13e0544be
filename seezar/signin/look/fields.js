// Fields.
const formGetter = (proto) => { try { return getter(proto, "form"); } catch (e) { return () => null; } };
const FORM_OF = { input: formGetter(HTMLInputElement.prototype), button: formGetter(HTMLButtonElement.prototype), select: formGetter(HTMLSelectElement.prototype), textarea: formGetter(HTMLTextAreaElement.prototype) };
const ownerForm = (el) => {
  const find = FORM_OF[localName(el)];
  const form = find ? find(el) : null;
  if (form) return form;
  for (let n = el; n; n = up(n)) if (n.nodeType === 1 && localName(n) === "form") return n;
  return null;
};
const labelText = (el) => {
  let out = "";
  const labels = el.labels;
  if (labels) for (let i = 0; i < labels.length && i < 3; i++) out += ownText(labels[i], 120) + " ";
  return clean(out, 160);
};
const active = document.activeElement;
const fields = [], buttons = [], tucked = [];
const box = (r) => [Math.round(r.left + scrollX), Math.round(r.top + scrollY), Math.round(r.width), Math.round(r.height)];
// Words and paths cost time: a sheet of hundreds of fields gets them for its first ones, and around every password.
const near = [];
for (let i = 0; i < fieldEls.length; i++) if (attr(fieldEls[i], "type").toLowerCase() === "password") for (let k = i - 6; k <= i + 6; k++) near[k] = true;
const detailed = (i) => i < limits.detailed || near[i] === true;
for (let i = 0; i < fieldEls.length; i++) {
  const el = fieldEls[i], tagName = localName(el), r = rectOf(el);
  const editable = tagName !== "input" && tagName !== "select" && tagName !== "textarea";
  const type = tagName === "input" ? (el.type || "text").toLowerCase() : editable ? "editable" : tagName;
  const tick = type === "checkbox" || type === "radio";
  let why = hiddenWhy(el, r);
  if (why && why !== "background" && why !== "veiled" && tick) {
    // Styled boxes hide the input and draw its label.
    const label = el.labels && el.labels.length ? el.labels[0] : closest(el, "label");
    if (label && textVisible(label) && !background(label)) why = "";
  }
  const style = type === "text" || type === "tel" ? getComputedStyle(el) : null;
  fields.push({
    tag: tagName, type, name: clean(attr(el, "name"), 80), id: clean(attr(el, "id"), 80), cls: clean(attr(el, "class"), 120),
    ac: clean(attr(el, "autocomplete"), 60).toLowerCase(), placeholder: clean(attr(el, "placeholder"), 80),
    aria: clean((has(el, "aria-labelledby") ? byIds(el, attr(el, "aria-labelledby"), 100) + " " : "") + attr(el, "aria-label"), 140),
    title: clean(attr(el, "title"), 80), label: labelText(el),
    before: detailed(i) && !tick ? textBefore(el, 90) : "", after: tick && detailed(i) ? textAfter(el, 90) : "",
    data: clean(attr(el, "data-testid") + " " + attr(el, "data-test") + " " + attr(el, "data-cy") + " " + attr(el, "data-qa") + " " + attr(el, "formcontrolname") + " " + attr(el, "ng-model") + " " + attr(el, "data-bind"), 120),
    described: has(el, "aria-describedby") ? byIds(el, attr(el, "aria-describedby"), 100) : "",
    max: parseInt(attr(el, "maxlength"), 10) || 0, pattern: clean(attr(el, "pattern"), 40), mode: attr(el, "inputmode").toLowerCase(),
    readonly: has(el, "readonly"), disabled: !!el.disabled, required: has(el, "required") || attr(el, "aria-required") === "true",
    filled: tick ? false : editable ? textOf(el) !== "" : type === "file" ? false : !!el.value, checked: tick && !!el.checked,
    invalid: attr(el, "aria-invalid") === "true", tabindex: attr(el, "tabindex"), focused: el === active,
    masked: !!style && !!style.webkitTextSecurity && style.webkitTextSecurity !== "none",
    why, box: box(r), group: -1, el,
  });
}
