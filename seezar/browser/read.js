// Reads a page as text. An expression: (limit in characters) => {text, title, url}.
(limit) => {
  const out = [];
  let size = 0;
  const push = (line) => {
    line = line.replace(/[\s\u00a0]+/g, ' ').trim();
    if (line && size < limit) { out.push(line.slice(0, limit - size)); size += line.length + 1; }
  };
  const skip = new Set(['SCRIPT', 'STYLE', 'NOSCRIPT', 'TEMPLATE', 'INPUT', 'TEXTAREA', 'SELECT', 'OPTION', 'SVG', 'CANVAS', 'IFRAME']);
  const block = new Set(['P', 'LI', 'H1', 'H2', 'H3', 'H4', 'H5', 'H6', 'DT', 'DD', 'BLOCKQUOTE', 'PRE', 'FIGCAPTION', 'CAPTION', 'LEGEND', 'SUMMARY', 'BUTTON', 'LABEL', 'A']);
  const shown = (e) => !e.checkVisibility || e.checkVisibility({visibilityProperty: true, opacityProperty: false});
  const text = (e) => (e.innerText === undefined ? e.textContent : e.innerText) || '';
  const clean = (e) => {
    if (!e.querySelector('input,textarea,select')) return text(e);
    let found = '';
    const visit = (node) => {
      for (const child of node.childNodes) {
        if (child.nodeType === 3) found += child.nodeValue;
        else if (child.nodeType === 1 && !skip.has(child.tagName.toUpperCase()) && shown(child)) { visit(child); found += ' '; }
      }
    };
    visit(e);
    return found;
  };
  const walk = (node) => {
    if (size >= limit) return;
    for (const child of node.childNodes) {
      if (child.nodeType === 3) { push(child.nodeValue || ''); continue; }
      if (child.nodeType !== 1) continue;
      const tag = child.tagName.toUpperCase();
      if (skip.has(tag) || !shown(child)) continue;
      if (tag === 'TABLE') {
        const caption = child.querySelector('caption');
        if (caption) push(clean(caption));
        for (const row of child.rows) {
          if (size >= limit) return;
          if (!shown(row)) continue;
          const cells = [...row.cells].map((c) => clean(c).replace(/[\s\u00a0|]+/g, ' ').trim());
          push('| ' + cells.join(' | ') + ' |');
        }
        continue;
      }
      if (/^H[1-6]$/.test(tag)) { push('#'.repeat(+tag[1]) + ' ' + clean(child)); continue; }
      if (tag === 'LI' && !child.querySelector('table,ul,ol,p,h1,h2,h3,h4')) { push('- ' + clean(child)); continue; }
      if (block.has(tag) && !child.querySelector('table,ul,ol,div,p,h1,h2,h3,h4,section')) { push(clean(child)); continue; }
      if (child.shadowRoot) walk(child.shadowRoot);
      walk(child);
    }
  };
  walk(document.body || document.documentElement);
  return {text: out.join('\n'), title: document.title, url: location.origin + location.pathname};
}
