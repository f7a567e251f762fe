// The filter: a search field that the script puts into `div#filter`; it hides each `[data-name]` without the typed text.

import { frame } from "../browser.mjs";

const FIELD = "#filter input[type=search]";

export const filter = {
  name: "filter",
  about: "typing hides what has another name, in any case of letters, and says how many of how many are shown",
  feature: "filter",
  where: (cell) => cell.script && cell.theme === "light",
  async look({ page }) {
    const found = await page.evaluate((field) => {
      const input = document.querySelector(field);
      return {
        filter: document.querySelector("#filter") !== null,
        input: input !== null,
        label: input ? [...(input.labels ?? [])].map(tell.text).join(" ").trim() : "",
        status: document.querySelector("#filter [role=status]") !== null,
        names: [...document.querySelectorAll("[data-name]")].map((one) => one.dataset.name),
      };
    }, FIELD);
    if (!found.filter) {
      return null;
    }
    const findings = [];
    const say = (element, expected, was) => findings.push({ element, expected, found: was });
    if (!found.input) {
      say("#filter", "an <input type=search>", "none");
      return findings;
    }
    if (!found.label) {
      say(FIELD, "a <label> with a text", "none");
    }
    if (!found.status) {
      say("#filter", "an element with role=status", "none");
    }
    if (found.names.length === 0) {
      say("page", "elements with data-name to filter", "none");
    }
    // A name that some have and some lack, then one that nobody has, then none at all.
    const lacks = (name) => found.names.some((other) => !other.toLowerCase().includes(name.toLowerCase()));
    const some = found.names.find((name) => name && lacks(name)) ?? found.names[0] ?? "x";
    for (const typed of [some, swapped(some), "no such name is here", ""]) {
      await page.locator(FIELD).focus();
      await page.keyboard.press("ControlOrMeta+A");
      await page.keyboard.press("Delete");
      await page.keyboard.type(typed);
      await frame(page);
      findings.push(...(await judge(page, typed)));
    }
    return findings;
  },
};

/** The same letters in the other case. */
function swapped(text) {
  return [...text].map((letter) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase())).join("");
}

function judge(page, typed) {
  return page.evaluate((text) => {
    const findings = [];
    const all = [...document.querySelectorAll("[data-name]")];
    const fits = (one) => one.dataset.name.toLowerCase().includes(text.toLowerCase());
    for (const one of all) {
      // One inside another that is hidden is not seen either way.
      const outer = one.parentElement.closest("[data-name]");
      const closed = one.closest("details:not([open])");
      const wrong = one.hidden === fits(one) || (one.hidden ? one.checkVisibility() : !one.checkVisibility() && !outer?.hidden && !closed);
      if (wrong) {
        const found = `${one.hidden ? "hidden" : "not hidden"}, ${one.checkVisibility() ? "seen" : "not seen"}`;
        const expected = `${fits(one) ? "shown" : "hidden"}, “${text}” being typed`;
        findings.push({ element: `${tell.element(one)} [data-name="${one.dataset.name}"]`, expected, found });
      }
    }
    // What is counted is left to the page: all of these, their names, or one kind of them.
    const kinds = [all, ...new Set(all.map((one) => one.localName))].map((kind) =>
      typeof kind === "string" ? all.filter((one) => one.localName === kind) : kind,
    );
    const counts = kinds.map((kind) => [kind.filter(fits).length, kind.length]);
    const names = [...new Set(all.map((one) => one.dataset.name))];
    counts.push([names.filter((name) => name.toLowerCase().includes(text.toLowerCase())).length, names.length]);
    const status = document.querySelector("#filter [role=status]");
    const said = status ? (tell.text(status).match(/\d+/g) ?? []).map(Number) : [];
    // With nothing typed there is nothing to say.
    const silent = text === "" && said.length === 0;
    if (status && !silent && !counts.some(([shown, of]) => said.includes(shown) && said.includes(of))) {
      const expected = `${counts.map(([shown, of]) => `${shown} of ${of}`).join(" or ")}, “${text}” being typed`;
      findings.push({ element: "#filter [role=status]", expected, found: `“${tell.text(status)}”` });
    }
    return findings;
  }, typed);
}
