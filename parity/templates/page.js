"use strict";
(() => {
  const rows = [...document.querySelectorAll("#ops tr.op")];
  const search = document.getElementById("search");
  const shown = document.getElementById("shown");
  const detail = row => row.nextElementSibling && row.nextElementSibling.classList.contains("detail") ? row.nextElementSibling : null;
  let kind = "";

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const text = row.dataset.name + " " + row.dataset.family;
      const on = words.every(w => text.includes(w)) && (!kind || row.dataset.kind === kind);
      row.hidden = !on;
      count += on;
      const more = detail(row);
      if (more && !on) more.hidden = true;
    }
    shown.textContent = count + " of " + rows.length;
  }

  function sort(header) {
    const key = header.dataset.sort, down = header.classList.contains("down");
    document.querySelectorAll("#ops th").forEach(h => h.classList.remove("up", "down"));
    header.classList.add(down ? "up" : "down");
    const value = row => { const v = row.dataset[key]; const n = Number(v); return Number.isNaN(n) ? v : n; };
    const sign = (down ? 1 : -1) * (["name", "family"].includes(key) ? -1 : 1);
    const body = document.querySelector("#ops tbody");
    rows.map(row => [row, detail(row)])
      .sort((a, b) => { const x = value(a[0]), y = value(b[0]); return sign * (x < y ? -1 : x > y ? 1 : 0); })
      .forEach(([row, more]) => { body.append(row); if (more) body.append(more); });
  }

  const atlas = Atlas.load();
  const escape = t => t.replace(/&/g, "&amp;").replace(/</g, "&lt;");
  const PYTHON = /("""[^]*?"""|"[^"\n]*"|'[^'\n]*')|(#.*)|\b(def|return|lambda|if|else|elif|for|in|not|and|or|is|None|True|False|raise|with|while|import|from|class|try|except)\b/g;
  const coloured = t => escape(t).replace(PYTHON, (m, string, comment) => `<b class="${string ? "s" : comment ? "c" : "k"}">${m}</b>`);

  // What is shown of an op is finished when it is first opened.
  function show(row, on) {
    const more = detail(row);
    if (!more) return;
    more.hidden = !on;
    if (!on || more.dataset.shown) return;
    more.dataset.shown = 1;
    more.querySelectorAll("pre.python").forEach(p => { p.innerHTML = coloured(p.textContent); });
    more.querySelectorAll(".atlas").forEach(host => Atlas.card(host, atlas.of(host.dataset.atlas), atlas.ticks));
  }

  document.querySelectorAll("tr.op[tabindex]").forEach(row => {
    const open = () => { const more = detail(row); if (more) show(row, more.hidden); };
    row.addEventListener("click", open);
    row.addEventListener("keydown", e => { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); open(); } });
  });
  if (!search) return;
  const ops = document.getElementById("ops-section"), again = document.getElementById("again");
  const ask = text => { search.value = again.value = text; filter(); };
  [search, again].forEach(box => {
    box.addEventListener("input", () => ask(box.value));
    box.addEventListener("keydown", e => { if (e.key === "Enter") openOnly(); });
  });
  document.addEventListener("keydown", e => {
    if (e.key === "/" && document.activeElement !== search) { e.preventDefault(); search.focus(); search.select(); }
  });
  // the name of an op, in the head or in a list: search it, open it, go there
  document.querySelectorAll("a[data-go]").forEach(link => link.addEventListener("click", e => {
    if (!rows.some(row => row.dataset.name === link.dataset.go.toLowerCase())) {
      const place = document.getElementById(link.dataset.go.startsWith("program") ? "programs" : "modules");
      if (place) { e.preventDefault(); place.scrollIntoView(); }
      return;
    }
    e.preventDefault();
    ask(link.dataset.go);
    history.replaceState(null, "", "#" + link.dataset.go);
    openOnly();
  }));
  document.querySelectorAll("#chips button").forEach(button => button.addEventListener("click", () => {
    document.querySelectorAll("#chips button").forEach(b => b.classList.remove("on"));
    button.classList.add("on");
    kind = button.dataset.kind;
    filter();
  }));
  document.querySelectorAll("#ops th[data-sort]").forEach(header => header.addEventListener("click", () => sort(header)));
  // opens the op of the name that is searched, or the only one found, and goes there
  function openOnly() {
    const found = rows.filter(row => !row.hidden), exact = found.find(row => row.dataset.name === search.value.toLowerCase());
    const row = exact || (found.length === 1 ? found[0] : null);
    if (row) show(row, true);
    (row || ops).scrollIntoView();
  }
  const hash = decodeURIComponent(location.hash.slice(1));
  const place = hash && document.getElementById(hash);
  ask(hash && !place ? hash : "");
  if (search.value) openOnly();
})();
