// One look at one frame. Runs in the page, changes nothing there, and returns a JSON string (see seezar/signin/scan.py for its shape).
// It reads structure, names, wording and geometry; it never reads what was typed into a field, only whether a field is empty.
//
// Pages are hostile by accident: <input name="children"> shadows form.children, old libraries replace Array methods and add
// toJSON to arrays. So every DOM property goes through the getter of its prototype, and every loop is a plain one.
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
const firstElement = getter(Element.prototype, "firstElementChild");
const nextElement = getter(Element.prototype, "nextElementSibling");
const lastChild = getter(Node.prototype, "lastChild");
const previousNode = getter(Node.prototype, "previousSibling");
const nextNode = getter(Node.prototype, "nextSibling");
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
