// One pass over the tree, into open shadow roots.
const fieldEls = [], buttonEls = [], headingEls = [], frameEls = [], roots = [], challengeEls = [], alertEls = [];
const BUTTON_ROLES = { button: 1, link: 1, tab: 1, menuitem: 1 };
// A class of the element as it is now: one with a colon says how it would look in another state.
const ALERTING = /(?:^|\s)[^\s:]*(?:error|alert|invalid|danger|warning|toast|snackbar|flash|message|notice)[^\s:]*(?:\s|$)/i;
// Running numbers in the order a reader meets the elements, through shadow roots.
const sequence = new Map();
const ids = new Map(), names = new Map(); // how often each id, and each name of a control, is used
const at = (el) => sequence.get(el) || 0;
const follows = (a, b) => at(b) > at(a);
let visited = 0, links = 0, truncated = false;
const visit = (el) => {
  const name = localName(el);
  if (name === "input" || name === "button" || name === "select" || name === "textarea") { const key = name + " " + attr(el, "name"); names.set(key, (names.get(key) || 0) + 1); }
  if (name === "input") {
    const type = attr(el, "type").toLowerCase();
    if (type === "submit" || type === "image" || type === "button" || type === "reset") { if (buttonEls.length < limits.buttons) buttonEls.push(el); }
    else if (fieldEls.length < limits.fields && type !== "hidden") fieldEls.push(el);
  } else if (name === "textarea" || name === "select") { if (fieldEls.length < limits.fields) fieldEls.push(el); }
  else if (name === "button" || name === "summary") { if (buttonEls.length < limits.buttons) buttonEls.push(el); }
  else if (name === "a" || name === "area") { if (links < limits.links && buttonEls.length < limits.buttons) { links++; buttonEls.push(el); } }
  else if (name === "h1" || name === "h2" || name === "h3" || name === "h4" || name === "legend") { if (headingEls.length < limits.headings) headingEls.push(el); }
  else if (name === "iframe" || name === "frame") { if (frameEls.length < 40) frameEls.push(el); }
  else if (has(el, "role") || has(el, "onclick")) {
    const role = attr(el, "role").toLowerCase();
    if (BUTTON_ROLES[role] || (!role && has(el, "onclick") && name !== "body" && name !== "form")) { if (buttonEls.length < limits.buttons) buttonEls.push(el); }
    else if (role === "heading") { if (headingEls.length < limits.headings) headingEls.push(el); }
    else if (role === "textbox" && attr(el, "contenteditable") === "true") { if (fieldEls.length < limits.fields) fieldEls.push(el); }
  }
  const cls = attr(el, "class");
  if (cls && alertEls.length < 60 && ALERTING.test(cls)) alertEls.push(el);
  else if (alertEls.length < 60 && /^(alert|status)$/.test(attr(el, "role"))) alertEls.push(el);
  if ((has(el, "data-sitekey") || /captcha/i.test(cls)) && challengeEls.length < 20) challengeEls.push(el);
};
const walk = (root) => {
  roots.push(root);
  const all = queryAll(root, "*");
  for (let i = 0; i < all.length; i++) {
    if (visited >= limits.elements || ((visited & 1023) === 1023 && overdue())) {
      truncated = true;
      // The rest of a huge tree: only what a form cannot do without.
      const rest = queryAll(root, "input[type=password],input[type=email],input[autocomplete],input[type=submit],button[type=submit]");
      for (let k = 0; k < rest.length && k < 60; k++) if (!sequence.has(rest[k])) { sequence.set(rest[k], ++visited); visit(rest[k]); }
      return;
    }
    const el = all[i];
    sequence.set(el, ++visited);
    visit(el);
    const id = attr(el, "id");
    if (id) ids.set(id, (ids.get(id) || 0) + 1);
    const shadow = shadowOf(el);
    if (shadow && roots.length < 200) walk(shadow);
  }
};
walk(document);
