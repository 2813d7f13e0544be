// Where the values of some rows stand. An expression: ([{field: text}]) => {rows: selector, fields: {field: selector}} | null.
// null: they do not stand in elements that are alike for all rows. Nothing but selectors comes back.
(samples) => {
  const squeezed = (text) => (text || '').replace(/\s+/g, ' ').trim();
  const shown = (element) => element.checkVisibility?.({ visibilityProperty: true }) ?? true;

  // The innermost elements of each text.
  const wanted = new Set(samples.flatMap((sample) => Object.values(sample)).map(squeezed));
  const places = new Map();
  for (const element of document.body.querySelectorAll('*')) {
    if (element.closest('script, style, template, noscript')) continue;
    const text = squeezed(element.textContent);
    if (!wanted.has(text) || !shown(element)) continue;
    const known = places.get(text) || [];
    places.set(text, [...known.filter((other) => !other.contains(element)), element]);
  }

  // The row of a sample: the smallest element with a place for each of its values.
  const placed = (sample) => {
    const names = Object.keys(sample);
    const candidates = names.map((name) => places.get(squeezed(sample[name])) || []);
    if (!names.length || candidates.some((each) => !each.length)) return null;
    const rarest = candidates.reduce((one, other) => (other.length < one.length ? other : one));
    let best = null;
    for (const start of rarest) {
      for (let row = names.length > 1 ? start : start.parentElement; row && row !== document.body; row = row.parentElement) {
        const inside = candidates.map((each) => each.filter((element) => row.contains(element)));
        if (inside.some((each) => !each.length)) continue;
        const size = row.querySelectorAll('*').length;
        // Two values that are the same text stand in two places, in this order.
        const taken = new Set();
        const fields = {};
        for (const [index, name] of names.entries()) {
          const free = inside[index].find((element) => !taken.has(element));
          if (!free) break;
          taken.add(free);
          fields[name] = free;
        }
        if (Object.keys(fields).length < names.length) continue;
        if (!best || size < best.size) best = { row, fields, size };
        break;
      }
    }
    return best;
  };

  const found = samples.map(placed).filter(Boolean);
  const rows = found.map((each) => each.row);
  // One row alone says nothing of what rows have in common.
  if (found.length < 2 || new Set(rows).size < rows.length) return null;
  if (rows.some((row) => rows.some((other) => other !== row && row.contains(other)))) return null;

  const nth = (element) => {
    let place = 1;
    for (let before = element.previousElementSibling; before; before = before.previousElementSibling) {
      place += before.localName === element.localName;
    }
    return `${CSS.escape(element.localName)}:nth-of-type(${place})`;
  };
  const path = (from, to) => {
    const steps = [];
    for (let at = to; at && at !== from; at = at.parentElement) steps.unshift(nth(at));
    return steps;
  };
  const common = rows.reduce((one, other) => {
    let at = one;
    while (!at.contains(other) || at === other || at === rows[0]) at = at.parentElement;
    return at;
  }, rows[0]);
  const tag = rows[0].localName;
  if (rows.some((row) => row.localName !== tag)) return null;
  const classes = [...rows[0].classList].filter((name) => rows.every((row) => row.classList.contains(name)));
  const own = CSS.escape(tag) + classes.map((name) => `.${CSS.escape(name)}`).join('');
  // The steps between the common ancestor and the rows, without what tells the rows apart.
  const depths = new Set(rows.map((row) => path(common, row).length));
  const between = depths.size === 1 ? path(common, rows[0]).slice(0, -1).map((step) => step.replace(/:nth-of-type\(\d+\)$/, '')) : null;
  const base = ['body', ...path(document.body, common)].join(' > ');
  const selector = between ? [base, ...between, own].join(' > ') : `${base} ${own}`;

  const fields = {};
  for (const name of Object.keys(found[0].fields)) {
    const paths = new Set(found.map((each) => path(each.row, each.fields[name]).join(' > ')));
    if (paths.size > 1) return null;
    const [steps] = paths;
    fields[name] = steps ? `:scope > ${steps}` : ':scope';
  }

  // It has to give back what it was learnt from.
  const all = [...document.querySelectorAll(selector)];
  const right = found.every(
    (each) =>
      all.includes(each.row) &&
      Object.keys(fields).every((name) => {
        const element = fields[name] === ':scope' ? each.row : each.row.querySelector(fields[name]);
        return element === each.fields[name];
      }),
  );
  return right ? { rows: selector, fields } : null;
}
