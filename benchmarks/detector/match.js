// For each path of a look, the labels of the element that it leads to: [role, form type] pairs.
(paths) => {
  const find = (steps) => {
    let root = document;
    let el = null;
    for (const [css, nth] of steps) {
      el = root.querySelectorAll(css)[nth] || null;
      if (!el) return null;
      root = el.shadowRoot || el;
    }
    return el;
  };
  const labelled = window.__labelled;
  delete window.__labelled;
  return paths.map((steps) => {
    const el = find(steps);
    return labelled.filter(([e]) => e === el).map(([, role, type]) => [role, type]);
  });
}
