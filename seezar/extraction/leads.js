// Where a page leads on to. An expression: ({each, next}) => {items: [{href, text}], next: {href} | {click: selector} | null}.
// each: CSS selector of links, or of what holds one; next: CSS selector, 'auto', or ''.
({each, next}) => {
  const shown = (e) => !e.checkVisibility || e.checkVisibility({visibilityProperty: true});
  const squeeze = (s) => (s || '').replace(/\s+/g, ' ').trim();
  const linkOf = (e) => (e.matches('a[href]') ? e : e.querySelector('a[href]'));
  const web = (link) => link && /^https?:$/.test(link.protocol);
  const off = (e) => e.matches(':disabled,[aria-disabled=true],[hidden]') || e.closest('[aria-disabled=true],.disabled') !== null;
  const items = [];
  if (each) {
    for (const e of document.querySelectorAll(each)) {
      const link = linkOf(e);
      if (shown(e) && web(link)) items.push({href: link.href, text: squeeze(link.innerText) || squeeze(link.getAttribute('aria-label'))});
    }
  }
  // HTML says so itself (rel=next); the number after the one that is current; the accessible name that stands for it.
  const auto = () => {
    const told = [...document.querySelectorAll('a[href][rel~=next]')].find(shown) || document.querySelector('link[rel~=next][href]');
    if (told) return told;
    for (const current of document.querySelectorAll('[aria-current=page],[aria-current=true]')) {
      const number = parseInt(squeeze(current.innerText), 10);
      const list = current.closest('nav,ul,ol,[role=navigation]');
      if (!list || !(number > 0)) continue;
      const after = [...list.querySelectorAll('a[href],button')].find((e) => shown(e) && squeeze(e.innerText) === String(number + 1));
      if (after) return after;
    }
    const named = [...document.querySelectorAll('nav a[href],nav button,[role=navigation] a[href],[role=navigation] button')];
    return named.find((e) => shown(e) && /^(next( page)?|[›»→>]+)$/i.test(squeeze(e.getAttribute('aria-label') || e.innerText))) || null;
  };
  let found = null;
  if (next === 'auto') found = auto();
  else if (next) found = [...document.querySelectorAll(next)].find(shown) || null;
  if (!found || off(found)) return {items, next: null};
  const link = found.tagName === 'LINK' ? found : linkOf(found);
  if (link && /^https?:/.test(link.href)) {
    const bare = (url) => url.replace(/#(?![/!]).*$/, '');
    if (link.tagName === 'LINK' || bare(link.href) !== bare(location.href)) return {items, next: {href: link.href}};
  }
  // What is no link to another page has to be clicked: it is found again by a mark of its own.
  found.setAttribute('data-seezar-next', '');
  return {items, next: {click: '[data-seezar-next]'}};
}
