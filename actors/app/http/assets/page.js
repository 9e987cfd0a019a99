// Ask where the run stands, and for the page again when it stands elsewhere.  What cannot be asked
// is shown pale.
"use strict";

const EVERY_MS = 2000;
let known = "";

async function look() {
  try {
    const status = await (await fetch("/api/v1/status")).json();
    const writer = status.writer || {};
    const now = JSON.stringify([status.as_of, status.code, writer.state, writer.ready]);
    if (now !== known) {
      const text = await (await fetch("/")).text();
      const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("main");
      if (!fresh) throw new Error("no page");
      document.querySelector("main").replaceWith(fresh);
      known = now;
    }
    document.body.classList.remove("stale");
  } catch {
    document.body.classList.add("stale");
  }
  setTimeout(look, EVERY_MS);
}

look();
