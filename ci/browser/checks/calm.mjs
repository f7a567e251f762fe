// A page says nothing to the console, asks nobody for anything, and forbids itself to.

const text = (message) => message.replace(/\s+/g, " ").slice(0, 200);

const quiet = {
  name: "quiet",
  about: "no error or warning on the console, no error of a script",
  look({ events, url }) {
    // What could not be loaded is the finding of `alone`.
    const own = events.console.filter((message) => !message.text.startsWith("Failed to load resource") || message.url === url);
    return [
      ...own.map(({ type, text: said }) => ({ element: "console", expected: "no error or warning", found: `${type}: ${text(said)}` })),
      ...events.errors.map((error) => ({ element: "script", expected: "no error", found: text(error) })),
    ];
  },
};

const alone = {
  name: "alone",
  about: "the file itself is all that is asked for",
  look({ events, url }) {
    return events.requests
      .filter((request) => request !== url && !request.startsWith("data:"))
      .map((request) => ({ element: "request", expected: "none but the page's own file", found: text(request) }));
  },
};

const policy = {
  name: "policy",
  about: "a Content-Security-Policy in the head, before any script or style, that allows nothing it does not name",
  async look({ page }) {
    const found = await page.evaluate(() => {
      const own = document.head.querySelector("script, style, link, meta[http-equiv='Content-Security-Policy' i]");
      return own?.localName === "meta" ? own.content : null;
    });
    if (found?.split(";").some((rule) => rule.trim() === "default-src 'none'")) {
      return [];
    }
    const expected = "Content-Security-Policy with default-src 'none', before script, style and link";
    return [{ element: "head > meta", expected, found: found ?? "none" }];
  },
};

export const CALM = [quiet, alone, policy];
