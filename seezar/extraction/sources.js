// Collects what on a page looks like rows of values. An expression:
// ({rows, cells, text}: limits; select: {rows, fields} or null) => {lang, title, url, sources: [source], truncated}.
// A source is {kind: 'table' | 'definitions' | 'selectors', where: CSS path, caption, headers: [text], rows: [[cell]]}, a cell
// {text, href?} or null.
({limits, select}) => {
  const shown = (e) => !e.checkVisibility || e.checkVisibility({visibilityProperty: true});
  const squeeze = (s) => s.replace(/[\s\u00a0\u202f]+/g, ' ').trim();
  let truncated = false;
  const cut = (s) => { if (s.length > limits.text) truncated = true; return s.slice(0, limits.text); };
  const textOf = (e) => {
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(e.tagName)) return '';
    let text = squeeze((e.innerText === undefined ? e.textContent : e.innerText) || '');
    // Icons say what they mean in their names.
    if (!text) {
      const named = e.matches('[aria-label],[title],img[alt],time[datetime]') ? e : e.querySelector('[aria-label],[title],img[alt]');
      if (named && !/^(INPUT|TEXTAREA|SELECT|BUTTON)$/.test(named.tagName))
        text = squeeze(named.getAttribute('aria-label') || named.getAttribute('alt') || named.getAttribute('title') || '');
    }
    return cut(text);
  };
  const cellOf = (e) => {
    if (!e) return null;
    const cell = {text: textOf(e)};
    const link = e.matches('a[href]') ? e : e.querySelector('a[href]');
    if (link) cell.href = link.href;
    const time = e.matches('time[datetime]') ? e : e.querySelector('time[datetime]');
    if (time && squeeze(time.innerText || '') === cell.text) cell.time = time.getAttribute('datetime');
    return cell;
  };
  const path = (e) => {
    const parts = [];
    for (let at = e; at && at.nodeType === 1; ) {
      const root = at.getRootNode();
      if (at.id && /^[A-Za-z][\w-]*$/.test(at.id) && root.querySelectorAll('#' + CSS.escape(at.id)).length === 1) {
        parts.unshift('#' + at.id);
        break;
      }
      const same = at.parentElement ? [...at.parentElement.children].filter((c) => c.tagName === at.tagName) : [at];
      parts.unshift(at.tagName.toLowerCase() + (same.length > 1 ? `:nth-of-type(${same.indexOf(at) + 1})` : ''));
      at = at.parentElement;
    }
    return parts.join(' > ');
  };
  const headingBefore = (e) => {
    for (let at = e; at && at !== document.body; at = at.parentElement) {
      for (let before = at.previousElementSibling; before; before = before.previousElementSibling) {
        const found = before.matches('h1,h2,h3,h4,h5,h6,[role=heading]') ? before : [...before.querySelectorAll('h1,h2,h3,h4,h5,h6,[role=heading]')].pop();
        if (found) return textOf(found);
      }
    }
    return '';
  };
  const captionOf = (e) => {
    const caption = e.querySelector(':scope > caption');
    const by = e.getAttribute('aria-labelledby');
    const named = by && e.getRootNode().getElementById ? e.getRootNode().getElementById(by.split(/\s+/)[0]) : null;
    return (caption && textOf(caption)) || (named && textOf(named)) || squeeze(e.getAttribute('aria-label') || '') || headingBefore(e);
  };
  // Elements inside open shadow roots, too.
  const all = (selector) => {
    const found = [];
    const visit = (root) => {
      found.push(...root.querySelectorAll(selector));
      for (const e of root.querySelectorAll('*')) if (e.shadowRoot) visit(e.shadowRoot);
    };
    visit(document);
    return found;
  };
  const sources = [];
  let cells = limits.cells;
  const add = (kind, e, headers, rows) => {
    const kept = [];
    for (const row of rows) {
      if (kept.length >= limits.rows || cells < row.length) { truncated = true; break; }
      cells -= row.length;
      kept.push(row);
    }
    // A table with headers and no rows says that there are none.
    if (kept.length || (kind === 'table' && headers.some(Boolean))) sources.push({kind, where: path(e), caption: captionOf(e), headers: headers.map(cut), rows: kept});
  };
  // Cells of a table in a grid: what spans several columns or rows stands in each.
  const grid = (rows) => {
    const out = [];
    rows.forEach((row, y) => {
      out[y] = out[y] || [];
      let x = 0;
      for (const cell of row.cells) {
        while (out[y][x] !== undefined) x++;
        const wide = Math.min(cell.colSpan || 1, 100), high = Math.min(cell.rowSpan || 1, rows.length - y);
        for (let dy = 0; dy < high; dy++) {
          out[y + dy] = out[y + dy] || [];
          for (let dx = 0; dx < wide; dx++) out[y + dy][x + dx] = cell;
        }
        x += wide;
      }
    });
    return out;
  };
  for (const table of all('table')) {
    if (!shown(table) || table.querySelector('table')) continue;
    const rows = grid([...table.rows].filter(shown));
    if (!rows.length) continue;
    const isHead = (row) => row.length > 0 && row.every((c) => c && (c.tagName === 'TH' || c.closest('thead')));
    let heads = 0;
    while (heads < rows.length && heads < 3 && isHead(rows[heads])) heads++;
    const pairs = !heads && rows.every((r) => r.length === 2 && r[0] && r[0].tagName === 'TH' && r[1] && r[1].tagName === 'TD');
    if (pairs) {
      add('definitions', table, rows.map((r) => textOf(r[0])), [rows.map((r) => cellOf(r[1]))]);
      continue;
    }
    // Without a row of headers the first one is the best guess; labels decide whether it was one.
    const head = heads || 1;
    const width = Math.max(...rows.map((r) => r.length));
    const headers = Array.from({length: width}, (_, x) => [...new Set(rows.slice(0, head).map((r) => (r[x] ? textOf(r[x]) : '')))].filter(Boolean).join(' '));
    const body = rows.slice(head).filter((r) => r.some((c) => c && !c.closest('tfoot')) && new Set(r.filter(Boolean)).size > 1 || width === 1);
    add('table', table, headers, body.map((r) => Array.from({length: width}, (_, x) => cellOf(r[x]))));
    if (!heads && rows.every((r) => r.length === 2)) {
      add('definitions', table, rows.map((r) => textOf(r[0])), [rows.map((r) => cellOf(r[1]))]);
    }
  }
  for (const table of all('[role=table],[role=grid],[role=treegrid]')) {
    if (!shown(table) || table.tagName === 'TABLE') continue;
    const rows = [...table.querySelectorAll('[role=row]')].filter(shown);
    const head = rows.findIndex((r) => r.querySelector('[role=columnheader]'));
    if (head < 0) continue;
    const cellsOf = (row) => [...row.querySelectorAll('[role=columnheader],[role=rowheader],[role=cell],[role=gridcell]')];
    const headers = cellsOf(rows[head]).map(textOf);
    add('table', table, headers, rows.filter((_, i) => i !== head).map((r) => cellsOf(r).map(cellOf)).filter((r) => r.length));
    // A grid that draws only the rows in sight says how many there are.
    const total = parseInt(table.getAttribute('aria-rowcount') || '', 10);
    if (total > rows.length) truncated = true;
  }
  for (const list of all('dl')) {
    if (!shown(list)) continue;
    const headers = [], values = [];
    for (const term of list.querySelectorAll('dt')) {
      let value = term.nextElementSibling;
      while (value && value.tagName === 'DT') value = value.nextElementSibling;
      if (value && value.tagName === 'DD' && shown(value)) { headers.push(textOf(term)); values.push(cellOf(value)); }
    }
    if (headers.length) add('definitions', list, headers, [values]);
  }
  if (select) {
    const names = Object.keys(select.fields);
    const rows = select.rows ? all(select.rows).filter(shown) : [document.documentElement];
    const one = (row, selector) => (selector === ':scope' ? row : row.querySelector(selector));
    if (rows.length) add('selectors', rows[0], names, rows.map((row) => names.map((n) => cellOf(one(row, select.fields[n])))));
  }
  return {lang: document.documentElement.lang || '', title: cut(document.title), url: location.href, sources, truncated};
}
