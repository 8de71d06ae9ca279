"use strict";
// Draws the atlas's records: a histogram of signed errors, and the error over each region.
const Atlas = (() => {
  const LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const OURS = "#d9480f", TORCH = "#7d9bb8", WRONG = "#d6336c";
  const level = c => c === "." ? -1 : LETTERS.indexOf(c);
  const text = (x, y, t, more = "") => `<text x="${x}" y="${y}" ${more}>${t}</text>`;
  const svg = (w, h, body, label) => `<svg viewBox="0 0 ${w} ${h}" width="${w}" height="${h}" role="img" aria-label="${label}">${body}</svg>`;
  const show = v => v >= 9e18 ? "wrong" : v === 0 ? "0" : v >= 1e4 ? v.toExponential(1).replace("e+", "e") : String(+v.toPrecision(3));
  const plain = v => Math.abs(v) >= 1e4 || (v !== 0 && Math.abs(v) < 1e-3) ? v.toExponential(0).replace("e+", "e") : String(+v.toPrecision(4));

  // 24 bins of a quarter ULP between -2 and 2, wider ones outside
  function histogram(record) {
    const w = 300, h = 150, left = 8, base = 122, step = (w - 2 * left) / 24;
    const top = Math.max(...record.ours.histogram, ...record.theirs.histogram, 1);
    const y = n => n ? 14 + (base - 14) * (1 - Math.log1p(n) / Math.log1p(top)) : base;
    let body = `<rect x="${left + 8 * step}" y="10" width="${8 * step}" height="${base - 10}" class="inner"/>`;
    record.theirs.histogram.forEach((n, i) => { body += `<rect x="${left + i * step + 0.6}" y="${y(n)}" width="${step - 1.2}" height="${base - y(n)}" fill="${TORCH}" opacity=".55"/>`; });
    let line = "";
    record.ours.histogram.forEach((n, i) => { line += `${i ? "L" : "M"}${left + i * step},${y(n)}H${left + (i + 1) * step}`; });
    body += `<path d="${line}" class="ours"/><path d="M${left},${base}H${w - left}" class="axis"/>`;
    [[4, "−2"], [8, "−1"], [12, "0"], [16, "1"], [20, "2"], [22, "16"], [2, "−16"]].forEach(([i, t]) => { body += text(left + i * step, base + 14, t, 'text-anchor="middle"'); });
    return `<figure>${svg(w, h, body, "histogram of signed errors")}<figcaption>signed error in ULP, counts logarithmic</figcaption></figure>`;
  }

  function strip(map, labels) {
    const w = 560, h = 96, left = 30, base = 76, width = w - left - 6, column = width / map[0].length;
    const top = Math.max(22, ...[...map[0], ...map[1]].map(level).map(l => l === 61 ? 0 : l + 2));
    const y = l => l <= 0 ? base : base - 66 * Math.min(l, top) / top;
    let body = "";
    const marks = [[10, "½"], [16, "2"], [31, "64"], [46, "2k"], [58, "32k"]];
    marks.filter(m => m[0] <= top && (m[0] > 10 || top < 44)).forEach(([l, t]) => { body += `<path d="M${left},${y(l)}H${w - 6}" class="${l === 16 ? "limit" : "grid"}"/>` + text(left - 5, y(l) + 3.5, t, 'text-anchor="end"'); });
    [...map[1]].forEach((c, i) => { const l = level(c); if (l > 0) body += `<rect x="${left + i * column}" y="${y(l)}" width="${column + 0.2}" height="${base - y(l)}" fill="${l === 61 ? WRONG : TORCH}" opacity="${l === 61 ? 0.22 : 0.5}"/>`; });
    let line = "", on = false;
    [...map[0]].forEach((c, i) => {
      const l = level(c);
      if (l < 0) { on = false; return; }
      line += `${on ? "L" : "M"}${left + i * column},${y(l)}H${left + (i + 1) * column}`;
      on = true;
      if (l === 61) body += `<circle cx="${left + (i + 0.5) * column}" cy="6" r="2.4" fill="${WRONG}"/>`;
    });
    body += `<path d="${line}" class="ours"/><path d="M${left},${base}H${w - 6}" class="axis"/>`;
    labels.forEach(([p, t]) => { body += `<path d="M${left + p * width},${base}v4" class="axis"/>` + text(left + p * width, base + 16, t, `text-anchor="${p < 0.04 ? "start" : p > 0.96 ? "end" : "middle"}"`); });
    return svg(w, h, body, "largest error over the region");
  }

  const shade = l => l < 0 ? "#f6f7f9" : l === 61 ? WRONG : l <= 10 ? "#e3f4ea" : l <= 16 ? "#c9e4d3" : `hsl(${44 - 30 * Math.min(1, (l - 16) / 30)} 90% ${78 - 34 * Math.min(1, (l - 16) / 30)}%)`;
  function cells(grid, name) {
    const n = Math.sqrt(grid.length), size = 130 / n;
    let body = "";
    [...grid].forEach((c, i) => { body += `<rect x="${(i % n) * size}" y="${Math.floor(i / n) * size}" width="${size + 0.1}" height="${size + 0.1}" fill="${shade(level(c))}"/>`; });
    return `<figure>${svg(130, 130, body, "largest error of " + name + " over two arguments")}<figcaption>${name}</figcaption></figure>`;
  }

  function ends([low, high, log]) {
    const marks = [[0, plain(low)], [1, plain(high)]];
    if (low < 0 && high > 0) marks.splice(1, 0, [-low / (high - low), "0"]);
    return log ? [...marks, [0.5, "logarithmic"]] : marks;
  }

  function region(r, ticks) {
    const head = `<h5>${r.text} <span>${r.points.toLocaleString("en")} points · ours ${show(r.ours)}, torch ${show(r.theirs)} ULP</span></h5>`;
    if (r.edges) return `<div class="region">${head}<table class="edges">${r.edges.map(([x, k, a, b]) => `<tr><td>${k}</td><td>at ${+x.toPrecision(7)}</td><td class="n">ours ${show(a)}</td><td class="n">torch ${show(b)}</td></tr>`).join("")}</table></div>`;
    if (r.grid) return `<div class="region">${head}<div class="cells">${cells(r.grid[0], "ours")}${cells(r.grid[1], "torch")}</div></div>`;
    return `<div class="region">${head}${strip(r.map, r.sides ? ends(r.sides[0]) : ticks)}</div>`;
  }

  function record(r, ticks) {
    const side = (s, name, colour) => `<tr><th><i style="background:${colour}"></i>${name}</th><td>${show(s.worst)}</td><td>${show(s.p99)}</td><td>${(100 * (1 - s.misrounded)).toFixed(1)} %</td><td${s.wrong ? ' class="bad"' : ""}>${s.wrong || "–"}</td></tr>`;
    return `<div class="record"><div>${histogram(r)}<table class="figures"><tr><th></th><th>worst</th><th>99 %</th><th>within ½</th><th>wrong</th></tr>${side(r.ours, "ours", OURS)}${side(r.theirs, "torch", TORCH)}</table>
      <p class="small">${r.points.toLocaleString("en")} points; our worst at <code>${r.at}</code></p></div>
      <div class="regions">${r.regions.map(x => region(x, ticks)).join("")}</div></div>`;
  }

  // one card: chips to choose dtype and part, the first float32 value chosen
  function card(host, records, ticks) {
    const name = r => r.dtype + (r.part === "out" ? "" : " · slope" + (records.some(o => o.part === "grad[1]") ? " " + r.part[5] : ""));
    host.innerHTML = `<div class="chips">${records.map((r, i) => `<button data-i="${i}">${name(r)}</button>`).join("")}</div><div class="drawn"></div>`;
    const pick = i => {
      host.querySelectorAll("button").forEach((b, j) => b.classList.toggle("on", i === j));
      host.lastElementChild.innerHTML = record(records[i], ticks[records[i].dtype] || []);
    };
    host.querySelectorAll("button").forEach(b => b.addEventListener("click", e => { e.stopPropagation(); pick(Number(b.dataset.i)); }));
    pick(Math.max(0, records.findIndex(r => r.dtype === "float32" && r.part === "out")));
  }

  // the data that the page carries: records by function
  function load() {
    const node = document.getElementById("atlas-data");
    if (!node) return { of: () => [], ticks: {} };
    const data = JSON.parse(node.textContent), by = {};
    data.records.forEach(r => (by[r.name] = by[r.name] || []).push(r));
    return { of: name => by[data.same[name] || name] || [], names: Object.keys(by), ticks: data.ticks };
  }
  return { card, load };
})();
