// A page on paper: nothing that the screen shows is gone, and it can be written as PDF.

import { writeFile } from "node:fs/promises";

export const print = {
  name: "print",
  about: "on paper all that the screen shows is there, in light colours; a PDF can be made",
  where: (cell) => cell.theme === "light" && cell.width === 1280,
  async look({ page, shot }) {
    // Held by the page: an element cannot be carried out of it.
    await page.evaluate(() => {
      const what = "section, tr, th, td, svg.chart, figcaption, caption, h1, h2, h3, h4, p, li, dt, dd, summary, pre, code";
      const words = [...document.querySelectorAll(what)].filter(tell.seen);
      // Paper has nothing to type into, to point at or to jump to.
      globalThis.onScreen = words.filter((one) => !one.closest("#filter, #tip, nav, button"));
    });
    await page.emulateMedia({ media: "print", colorScheme: "light" });
    const findings = await page.evaluate(() => {
      const gone = globalThis.onScreen.filter((one) => !tell.seen(one) || one.getClientRects().length === 0);
      const outer = gone.filter((one) => !gone.some((other) => other !== one && other.contains(one)));
      return outer.map((one) => ({ element: tell.element(one), expected: "printed, as it is on the screen", found: "hidden" }));
    });
    const pdf = await page.pdf({ format: "A4", margin: { top: "12mm", right: "12mm", bottom: "12mm", left: "12mm" }, printBackground: true });
    await page.emulateMedia({ media: "screen" });
    if (pdf.subarray(0, 5).toString("latin1") !== "%PDF-") {
      findings.push({ element: "page", expected: "a PDF", found: `${pdf.length} bytes of something else` });
    }
    if (shot) {
      await writeFile(shot.replace(/\.png$/, ".pdf"), pdf);
    }
    return findings;
  },
};
