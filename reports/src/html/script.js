// Sorting, filtering and tips. The page is complete without it.
"use strict";
const number = (text) => (text.trim() === "" ? NaN : Number(text));
const key = (row, column) => {
  const cell = row.cells[column];
  return cell ? (cell.dataset.value ?? cell.textContent.trim()) : "";
};
function sort(table, column, head) {
  const descending = head.getAttribute("aria-sort") === "ascending";
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [key(row, column), row]);
  const numeric = rows.every(([text]) => text === "" || !Number.isNaN(number(text)));
  const order = (a, b) => {
    // What has no value stays at the end.
    if (a === "" || b === "") return a === b ? 0 : a === "" ? 1 : -1;
    const by = numeric ? number(a) - number(b) : a.localeCompare(b, "en", { numeric: true });
    return descending ? -by : by;
  };
  rows.sort(([a], [b]) => order(a, b));
  body.append(...rows.map(([, row]) => row));
  for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", descending ? "descending" : "ascending");
}
for (const table of document.querySelectorAll("table[data-sort]")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(table, column, head));
    head.append(button);
  });
}
const box = document.getElementById("filter");
if (box) {
  const named = [...document.querySelectorAll("[data-name]")];
  const sections = named.filter((element) => element.tagName === "SECTION");
  const counted = sections.length > 0 ? sections : named;
  const label = document.createElement("label");
  const input = document.createElement("input");
  const status = document.createElement("span");
  input.type = "search";
  label.append("Show only names with ", input);
  status.setAttribute("role", "status");
  box.append(label, status);
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    for (const element of named) element.hidden = !element.dataset.name.toLowerCase().includes(wanted);
    const shown = counted.filter((element) => !element.hidden).length;
    status.textContent = wanted ? `${shown} of ${counted.length} series` : "";
  });
}
const tip = document.getElementById("tip");
const show = (element) => {
  const text = element && (element.dataset.tip ?? element.querySelector(":scope > title")?.textContent);
  tip.hidden = !text;
  if (!text) return;
  tip.textContent = text;
  const at = element.getBoundingClientRect();
  const left = Math.min(Math.max(at.left + at.width / 2 - tip.offsetWidth / 2, 4), innerWidth - tip.offsetWidth - 4);
  const above = at.top - tip.offsetHeight - 6;
  tip.style.left = `${Math.max(left, 4) + scrollX}px`;
  tip.style.top = `${(above > 0 ? above : at.bottom + 6) + scrollY}px`;
};
for (const event of ["pointerover", "focusin"]) {
  document.addEventListener(event, ({ target }) => show(target.closest?.("[data-tip], .tips rect")));
}
document.addEventListener("keydown", ({ key }) => key === "Escape" && show(null));
