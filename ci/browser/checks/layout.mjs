// The page as a whole: as wide as the window, and as dark as it was asked to be.

export const overflow = {
  name: "overflow",
  about: "the page scrolls down, never sideways",
  look({ page }) {
    return page.evaluate(() => {
      const { scrollWidth } = document.documentElement;
      if (scrollWidth <= innerWidth) {
        return [];
      }
      // Those that no scrolling or clipping ancestor holds back, the innermost first.
      const held = (element) => {
        for (let at = element.parentElement; at && at !== document.body; at = at.parentElement) {
          if (getComputedStyle(at).overflowX !== "visible") {
            return true;
          }
        }
        return false;
      };
      const wide = [...document.body.querySelectorAll("*")].filter(
        (element) => element.getBoundingClientRect().right > innerWidth + 0.5 && !held(element),
      );
      const inner = wide.filter((element) => !wide.some((other) => other !== element && element.contains(other)));
      const expected = `a page at most ${innerWidth} px wide`;
      const findings = inner.map((element) => ({
        element: tell.element(element),
        expected,
        found: `${scrollWidth} px; this reaches ${element.getBoundingClientRect().right.toFixed(0)} px`,
      }));
      return findings.length > 0 ? findings : [{ element: "html", expected, found: `${scrollWidth} px` }];
    });
  },
};

export const theme = {
  name: "theme",
  about: "dark is dark and light is light",
  look({ page, cell }) {
    return page.evaluate((wanted) => {
      const ground = tell.luminance(tell.ground());
      const ink = tell.luminance(tell.colour(getComputedStyle(document.body).color));
      const ok = wanted === "dark" ? ground < 0.1 && ink > 0.4 : ground > 0.7 && ink < 0.2;
      const expected = wanted === "dark" ? "luminance under 0.1, of its text over 0.4" : "luminance over 0.7, of its text under 0.2";
      return ok ? [] : [{ element: "body", expected, found: `${ground.toFixed(2)}, of its text ${ink.toFixed(2)}` }];
    }, cell.theme);
  },
};
