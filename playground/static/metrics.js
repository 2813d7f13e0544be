// Draws the events of each day from the JSON that the page's own address gives.
(async () => {
  const chart = document.getElementById('daily');
  const answer = await fetch(chart.dataset.source);
  if (!answer.ok) return;
  const totals = new Map();
  for (const {day, count} of (await answer.json()).days) totals.set(day, (totals.get(day) || 0) + count);
  const most = Math.max(1, ...totals.values()), width = 560 / totals.size;
  let x = 0;
  for (const [day, count] of totals) {
    const bar = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
    const height = (260 * count) / most;
    for (const [name, value] of Object.entries({x: x + 1, y: 260 - height, width: width - 2, height, rx: 2})) bar.setAttribute(name, value);
    const title = document.createElementNS('http://www.w3.org/2000/svg', 'title');
    title.textContent = `${day}: ${count.toLocaleString('en')}`;
    bar.append(title);
    chart.append(bar);
    x += width;
  }
})();
