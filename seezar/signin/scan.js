// One look at one frame. Runs in the page, changes nothing there, and returns a JSON string (see seezar/signin/scan.py for its shape).
// It reads structure, names, wording and geometry; it never reads what was typed into a field, only whether a field is empty.
//
// Pages are hostile by accident: <input name="children"> shadows form.children, old libraries replace Array methods and add
// toJSON to arrays. So every DOM property goes through the getter of its prototype, and every loop is a plain one.
(limits) => {
  "use strict";
  const started = performance.now();
  const overdue = () => performance.now() - started > limits.milliseconds;

  const getter = (proto, name) => {
    const found = Object.getOwnPropertyDescriptor(proto, name);
    return found && found.get ? (o) => found.get.call(o) : (o) => o[name];
  };
  const parentOf = getter(Node.prototype, "parentNode");
  const rootOf = (el) => Node.prototype.getRootNode.call(el);
  const textOf = getter(Node.prototype, "textContent");
  const localName = getter(Element.prototype, "localName");
  const shadowOf = getter(Element.prototype, "shadowRoot");
  const previousElement = getter(Element.prototype, "previousElementSibling");
  const attr = (el, name) => Element.prototype.getAttribute.call(el, name) || "";
  const has = (el, name) => Element.prototype.hasAttribute.call(el, name);
  const closest = (el, selector) => Element.prototype.closest.call(el, selector);
  const contains = (a, b) => Node.prototype.contains.call(a, b);
  const rectOf = (el) => Element.prototype.getBoundingClientRect.call(el);
  const queryAll = (root, selector) => {
    const proto = root.nodeType === 9 ? Document.prototype : root.nodeType === 11 ? DocumentFragment.prototype : Element.prototype;
    return proto.querySelectorAll.call(root, selector);
  };
  const clean = (text, size) => {
    let s = "" + (text == null ? "" : text);
    if (s.length > size * 8) s = s.slice(0, size * 8);
    return s.replace(/\s+/g, " ").trim().slice(0, size);
  };
  // Across shadow boundaries: the parent of a shadow root is its host.
  const up = (node) => {
    const parent = parentOf(node);
    return parent && parent.nodeType === 11 && parent.host ? parent.host : parent;
  };
  const isTopLevel = (el) => { const n = localName(el); return n === "body" || n === "html"; };

  // ---- what is visible -------------------------------------------------------------------------------------------------
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
  const background = (el) => {
    if (modal && !within(modal, el)) return true;
    for (let n = el; n; n = up(n)) if (n.nodeType === 1 && (has(n, "inert") || attr(n, "aria-hidden") === "true")) return true;
    return false;
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
    if (background(el)) return "background";
    return clipped(el) ? "clipped" : "";
  };
  const textVisible = (el) => {
    if (!isShown(el, OPAQUE)) return false;
    const r = rectOf(el);
    return r.width > 1 && r.height > 1 && !offPage(r);
  };

  // ---- one pass over the tree, into open shadow roots ---------------------------------------------------------------------
  const fieldEls = [], buttonEls = [], headingEls = [], frameEls = [], roots = [], challengeEls = [], alertEls = [];
  const BUTTON_ROLES = { button: 1, link: 1, tab: 1, menuitem: 1 };
  // Running numbers in the order a reader meets the elements, through shadow roots.
  const sequence = new Map();
  const at = (el) => sequence.get(el) || 0;
  const follows = (a, b) => at(b) > at(a);
  let visited = 0, links = 0, truncated = false;
  const visit = (el) => {
    const name = localName(el);
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
    if (cls && alertEls.length < 60 && /error|alert|invalid|danger|warning|toast|snackbar|flash|message|notice/i.test(cls)) alertEls.push(el);
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
      const shadow = shadowOf(el);
      if (shadow && roots.length < 200) walk(shadow);
    }
  };
  walk(document);

  // ---- selectors -------------------------------------------------------------------------------------------------------
  // One CSS path a tree; a path inside a shadow root is relative to its host. Ids that look generated are not used.
  const stable = (id) => id && id.length < 64 && !/\d{4,}|^[\d:]|:|[0-9a-f]{8,}|^(ember|radix|mui|ext-gen|yui|react|headlessui)/i.test(id);
  const unique = (root, selector) => { try { return queryAll(root, selector).length === 1; } catch (e) { return false; } };
  const pathIn = (root, el) => {
    const tagName = localName(el);
    const name = attr(el, "name");
    const inShadow = root.nodeType === 11;
    const id = attr(el, "id");
    if (stable(id)) { const s = "#" + CSS.escape(id); if (unique(root, s)) return s; }
    if (name && name.length < 64 && visited < 20000) { const s = tagName + '[name="' + CSS.escape(name) + '"]'; if (unique(root, s)) return s; }
    let path = "", node = el;
    while (node && node.nodeType === 1) {
      const nodeId = attr(node, "id");
      if (node !== el && stable(nodeId)) { const s = "#" + CSS.escape(nodeId); if (unique(root, s)) { path = s + path; break; } }
      const tag = localName(node);
      let nth = 1;
      for (let p = previousElement(node); p; p = previousElement(p)) if (localName(p) === tag) nth++;
      const parent = parentOf(node);
      const step = CSS.escape(tag) + ":nth-of-type(" + nth + ")";
      if (!parent || parent.nodeType !== 1) { path = (inShadow ? step : tag) + path; break; }
      path = " > " + step + path;
      node = parent;
    }
    return path;
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

  // ---- words near a thing ------------------------------------------------------------------------------------------------
  const SKIP = { script: 1, style: 1, noscript: 1, template: 1, option: 1, select: 1, textarea: 1, svg: 1 };
  const ownText = (el, size) => {
    let out = "", count = 0;
    const stack = [el];
    while (stack.length && out.length < size && count++ < 400) {
      const node = stack.pop();
      if (node.nodeType === 3) { out += node.nodeValue + " "; continue; }
      if (node.nodeType !== 1 || (node !== el && SKIP[localName(node)])) continue;
      const kids = [];
      for (let c = node.lastChild; c; c = c.previousSibling) kids.push(c);
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
      let prev = node.previousSibling, parent = parentOf(node);
      while (!prev && parent && parent.nodeType === 1 && !isTopLevel(parent) && localName(parent) !== "form" && steps++ < 60) {
        if (out.length > 2 && /^(td|tr|li|div|p|section|fieldset)$/.test(localName(parent))) return clean(out, size);
        node = parent; prev = node.previousSibling; parent = parentOf(node);
      }
      if (!prev) break;
      if (prev.nodeType === 3) { const t = clean(prev.nodeValue, size); if (t) out = t + " " + out; }
      else if (prev.nodeType === 1) {
        if (isControl(prev) || (prev.firstElementChild && queryAll(prev, "input:not([type=hidden]),select,textarea,button").length)) break;
        if (!SKIP[localName(prev)]) { const t = isShown(prev, SHOWN) ? ownText(prev, size) : ""; if (t) out = t + " " + out; }
      }
      node = prev;
    }
    return clean(out, size * 2).slice(-size);
  };
  const textAfter = (el, size) => {
    let out = "", node = el, steps = 0;
    while (node && steps++ < 12 && out.length < 8) {
      let next = node.nextSibling;
      if (!next) { node = parentOf(node); if (!node || node.nodeType !== 1 || isTopLevel(node) || localName(node) === "form" || out) break; continue; }
      if (next.nodeType === 3) out += next.nodeValue + " ";
      else if (next.nodeType === 1) { if (isControl(next)) break; if (!SKIP[localName(next)]) out += ownText(next, size) + " "; }
      out = clean(out, size);
      node = next;
    }
    return out;
  };

  // ---- fields -----------------------------------------------------------------------------------------------------------
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
  const fields = [], buttons = [];
  const box = (r) => [Math.round(r.left + scrollX), Math.round(r.top + scrollY), Math.round(r.width), Math.round(r.height)];
  for (let i = 0; i < fieldEls.length; i++) {
    const el = fieldEls[i], tagName = localName(el), r = rectOf(el);
    const editable = tagName !== "input" && tagName !== "select" && tagName !== "textarea";
    const type = tagName === "input" ? (el.type || "text").toLowerCase() : editable ? "editable" : tagName;
    const tick = type === "checkbox" || type === "radio";
    let why = hiddenWhy(el, r);
    if (why && why !== "background" && tick) {
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
      before: i < limits.detailed && !tick ? textBefore(el, 90) : "", after: tick && i < limits.detailed ? textAfter(el, 90) : "",
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

  // ---- groups: forms, and what stands for one where there is none ---------------------------------------------------------
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
    else if (!fields[i].why || fields[i].why === "opacity") loose.push(fields[i]);
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

  // ---- buttons and links ---------------------------------------------------------------------------------------------------
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
    if (r.width < 1 && r.height < 1 && link && group < 0) continue;
    let text = tagName === "input" ? clean(attr(el, "type") === "image" ? attr(el, "alt") : el.value || attr(el, "value"), 100) : ownText(el, 100);
    if (!text && tagName !== "input") {
      const picture = queryAll(el, "img[alt],svg title,[aria-label]");
      if (picture.length) text = clean(attr(picture[0], "alt") || attr(picture[0], "aria-label") || textOf(picture[0]), 80);
    }
    const why = link && group < 0 ? (isShown(el, SHOWN) ? "" : "hidden") : hiddenWhy(el, r);
    buttons.push({
      tag: tagName, type: (tagName === "button" ? attr(el, "type") || "submit" : attr(el, "type")).toLowerCase(), role: attr(el, "role"), link, text,
      aria: clean((has(el, "aria-labelledby") ? byIds(el, attr(el, "aria-labelledby"), 80) + " " : "") + attr(el, "aria-label"), 80), title: clean(attr(el, "title"), 60),
      name: clean(attr(el, "name"), 60), id: clean(attr(el, "id"), 60), cls: link && group < 0 ? "" : clean(attr(el, "class"), 100),
      data: link && group < 0 ? "" : clean(attr(el, "data-testid") + " " + attr(el, "data-test") + " " + attr(el, "data-cy") + " " + attr(el, "data-action"), 80),
      href: link ? clean(attr(el, "href"), 120) : "", expanded: attr(el, "aria-expanded"), selected: attr(el, "aria-selected"), popup: attr(el, "aria-haspopup"),
      disabled: !!el.disabled || attr(el, "aria-disabled") === "true", why, box: box(r), group, el,
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

  // ---- words of groups and page -----------------------------------------------------------------------------------------
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
    const inner = queryAll(el, "h1,h2,h3,h4,h5,h6,legend,[role=heading],caption,th");
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

  for (let i = 0; i < fields.length; i++) { const f = fields[i]; if (i < limits.detailed || f.type === "password" || f.type === "email") f.path = selectorOf(f.el); delete f.el; }
  for (let i = 0; i < buttons.length; i++) { const b = buttons[i]; if (!b.why && (b.group >= 0 || !b.link || i < 120)) b.path = selectorOf(b.el); delete b.el; }
  for (let i = 0; i < headings.length; i++) delete headings[i].el;
  for (let i = 0; i < groups.length; i++) delete groups[i].el;
  const result = {
    url: location.href.slice(0, 600), title: clean(document.title, 160), lang: clean(document.documentElement ? attr(document.documentElement, "lang") : "", 20),
    width: viewWidth, height: viewHeight, elements: visited, truncated, modal: !!modal, ready: document.readyState,
    fields, buttons, groups, headings, alerts, challenges, frames, text, longer: more, milliseconds: performance.now() - started,
  };
  // Array.prototype.toJSON of old libraries would spoil the string; the driver serialises the object instead, more slowly.
  return typeof Array.prototype.toJSON === "function" || typeof Object.prototype.toJSON === "function" ? result : JSON.stringify(result);
}
