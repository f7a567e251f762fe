// A page without JavaScript: the same content, and no control that does nothing.

const least = (all) => all.slice(0, 3).map((text) => `“${text.slice(0, 60)}”`).join(", ") + (all.length > 3 ? `, … (${all.length})` : "");

export const sameContent = {
  name: "same-content",
  about: "without JavaScript the same sections, rows and charts are seen, with the same words",
  collect(page) {
    return page.evaluate(() => {
      const seen = (what) => [...document.querySelectorAll(what)].filter((one) => tell.seen(one) && !one.closest("#filter, #tip"));
      const words = seen("h1, h2, h3, h4, p, li, dt, dd, td, tbody th, figcaption, caption, summary");
      return {
        counts: { sections: seen("section").length, rows: seen("tr").length, charts: seen("svg.chart").length },
        words: words.map(tell.text),
      };
    });
  },
  judge(collected) {
    const findings = [];
    const expect = (cell, element, expected, found) => findings.push({ cell, element, expected, found });
    for (const [cell, plain] of collected) {
      const twin = [...collected].find(([other]) => other.script && other.theme === cell.theme && other.width === cell.width);
      if (cell.script || !twin) {
        continue;
      }
      const scripted = twin[1];
      for (const [what, n] of Object.entries(scripted.counts)) {
        if (plain.counts[what] !== n) {
          expect(cell, what, `${n}, as with JavaScript`, `${plain.counts[what]}`);
        }
      }
      const missing = [...scripted.words];
      for (const word of plain.words) {
        const at = missing.indexOf(word);
        if (at >= 0) {
          missing.splice(at, 1);
        }
      }
      if (missing.length > 0) {
        expect(cell, "words", "all that are there with JavaScript", `without ${least(missing)}`);
      }
    }
    return findings;
  },
};

export const deadControls = {
  name: "dead-controls",
  about: "without JavaScript there is no button or field that does nothing",
  where: (cell) => !cell.script,
  look({ page }) {
    return page.evaluate(() =>
      [...document.querySelectorAll("button, input, select, textarea")].filter(tell.seen).map((one) => ({
        element: tell.element(one),
        expected: "no control: no script here gives it a meaning",
        found: one.localName,
      })),
    );
  },
};
