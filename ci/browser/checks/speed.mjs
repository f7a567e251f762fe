// How long a reader waits: from the navigation to `load` and a drawn frame.

import { load } from "../browser.mjs";

const MOST_MS = 2000;

export const speed = {
  name: "speed",
  about: "the page is there within 2 s",
  async look({ page, url, ms }) {
    // The least of three: a busy machine slows one load, a slow page all of them.
    const times = [ms];
    while (times.length < 3 && Math.min(...times) > MOST_MS) {
      times.push(await load(page, url));
    }
    if (Math.min(...times) <= MOST_MS) {
      return [];
    }
    const found = times.map((time) => `${(time / 1000).toFixed(2)} s`).join(", ");
    return [{ element: "page", expected: `loaded and drawn in ${MOST_MS / 1000} s`, found }];
  },
};
