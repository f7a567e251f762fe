// Tables that sort: `table[data-sort]`, a button in each head cell, `aria-sort` on the one that rules.
// A cell's key is its `data-value`, else its text; a column whose keys are all numbers is in their order, else in that of text.

import { frame } from "../browser.mjs";

export const sort = {
  name: "sort",
  about: "every column of a table[data-sort] sorts both ways, by mouse and by keyboard, and says so",
  feature: "sort",
  where: (cell) => cell.script && cell.theme === "light",
  async look({ page }) {
    const n = await page.evaluate(() => {
      const tables = [...document.querySelectorAll("table[data-sort]")];
      tables.forEach((table, idx) => {
        table.dataset.checked = idx;
        // A table in a closed <details> is pointed at once that is open.
        for (let at = table.closest("details"); at; at = at.parentElement.closest("details")) {
          at.open = true;
        }
      });
      return tables.length;
    });
    if (n === 0) {
      return null;
    }
    const findings = [];
    for (let idx = 0; idx < n; idx += 1) {
      findings.push(...(await lookAtTable(page, idx)));
    }
    return findings;
  },
};

async function lookAtTable(page, idx) {
  const table = `table[data-checked="${idx}"]`;
  const before = await state(page, idx);
  const findings = [];
  const say = (element, expected, found) => findings.push({ element, expected, found });
  for (const [column, head] of before.heads.entries()) {
    if (head.n_buttons !== 1 || !head.button) {
      say(head.element, "one button with a text", `${head.n_buttons}${head.n_buttons === 1 ? ", without a text" : ""}`);
    }
    if (head.n_buttons === 0) {
      continue;
    }
    const button = page.locator(`${table} > thead > tr:last-child > *:nth-child(${column + 1}) button`).first();
    // The first column as a person does it; the others by the same event, which is faster.
    const click = column === 0 ? () => button.click() : () => button.evaluate((one) => one.click());
    const ways = [];
    for (let turn = 0; turn < 2; turn += 1) {
      await click();
      ways.push(judge(await state(page, idx), before, column, "a click", say));
    }
    if (column === 0) {
      for (const key of ["Enter", "Space"]) {
        await button.focus();
        await page.keyboard.press(key);
        const after = await state(page, idx);
        ways.push(judge(after, before, column, key, say));
        if (!after.heads[column].focused) {
          say(head.element, `the button keeps the focus after ${key}`, "it is elsewhere");
        }
      }
    }
    if (ways.some((way, turn) => turn > 0 && way !== null && way === ways[turn - 1])) {
      say(head.element, "the other direction at each turn", ways.join(", "));
    }
  }
  await frame(page);
  return findings;
}

/** Says what is wrong after one turn. Returns the direction that the column says it has. */
function judge(after, before, column, by, say) {
  const { element, aria } = after.heads[column];
  if (aria !== "ascending" && aria !== "descending") {
    say(element, `aria-sort ascending or descending after ${by}`, String(aria));
    return null;
  }
  const others = after.heads.filter((head, idx) => idx !== column && head.aria !== null && head.aria !== "none");
  if (others.length > 0) {
    say(others[0].element, `no aria-sort after ${by} elsewhere`, others[0].aria);
  }
  const all = (rows) => rows.map((row) => row.join("\u001f")).sort().join("\u001e");
  if (all(after.rows) !== all(before.rows)) {
    say(element, `the same ${before.rows.length} rows after ${by}`, `${after.rows.length}, or others`);
  }
  // What has no value stands last, whichever way the others go.
  const every = after.keys.map((row) => row[column]);
  const keys = every.filter((key) => key !== "");
  if (every.slice(0, keys.length).includes("")) {
    say(element, `cells without a value last after ${by}`, "one before others");
  }
  const wrong = firstWrong(aria === "ascending" ? keys : [...keys].reverse());
  if (wrong) {
    say(element, `${aria} after ${by}`, `“${wrong[0]}” next to “${wrong[1]}”`);
  }
  return aria;
}

/** Two neighbours that are not ascending, if there are any. Which order of text is left to the page. */
function firstWrong(keys) {
  const numbers = keys.every((key) => key !== "" && Number.isFinite(Number(key)));
  const orders = numbers
    ? [(a, b) => Number(a) - Number(b)]
    : [
        (a, b) => (a < b ? -1 : Number(a > b)),
        (a, b) => a.localeCompare(b, "en"),
        (a, b) => a.localeCompare(b, "en", { numeric: true }),
        (a, b) => a.localeCompare(b, "en", { numeric: true, sensitivity: "base" }),
      ];
  const wrong = orders.map((order) => keys.slice(1).findIndex((key, idx) => order(keys[idx], key) > 0));
  return wrong.includes(-1) ? null : [keys[wrong[0]], keys[wrong[0] + 1]];
}

/** What a table says now: its head cells, its rows as text, its rows as keys. */
function state(page, idx) {
  return page.evaluate((at) => {
    const table = document.querySelector(`table[data-checked="${at}"]`);
    const rows = [...table.tBodies].flatMap((body) => [...body.rows]);
    const head = table.tHead ? [...table.tHead.rows[table.tHead.rows.length - 1].cells] : [];
    return {
      heads: head.map((cell) => ({
        element: tell.element(cell),
        n_buttons: cell.querySelectorAll("button").length,
        button: tell.text(cell.querySelector("button") ?? cell) || cell.querySelector("button")?.ariaLabel,
        aria: cell.getAttribute("aria-sort"),
        focused: document.activeElement?.localName === "button" && cell.contains(document.activeElement),
      })),
      rows: rows.map((row) => [...row.cells].map(tell.text)),
      keys: rows.map((row) => [...row.cells].map((cell) => cell.dataset.value ?? tell.text(cell))),
    };
  }, idx);
}
