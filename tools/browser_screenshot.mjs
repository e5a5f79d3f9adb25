// A picture of the real Neo4j Browser with a query run in it.
//
//     npm install --no-save playwright-core
//     node tools/browser_screenshot.mjs --query browser/02-around-an-entity.cypher --param name=RA-88 --out picture.png
//
// Needs Node.js 20 and Chromium (--chromium, by default /usr/bin/chromium; Debian: apt install chromium). The password is
// read from NEO4J_PASSWORD; without one, the server has to run without authentication. Talks to loopback only.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: {
    url: { type: "string", default: "http://127.0.0.1:7474/browser/" },
    query: { type: "string" },
    param: { type: "string", multiple: true, default: [] },
    style: { type: "string", default: "browser/style.grass" },
    out: { type: "string" },
    chromium: { type: "string", default: "/usr/bin/chromium" },
    size: { type: "string", default: "1400x900" },
    settle: { type: "string", default: "8" }, // seconds until the drawing rests
    view: { type: "string", default: "graph" }, // or table
    zoom: { type: "string", default: "0" }, // clicks on zoom in (or, negative, out) after fitting
  },
});
if (!options.query || !options.out) {
  console.error("usage: browser_screenshot.mjs --query FILE --out FILE.png [--param name=value] [--url URL] [--view table]");
  process.exit(2);
}
const { chromium } = createRequire(join(process.cwd(), "package.json"))("playwright-core");
const [width, height] = options.size.split("x").map(Number);
const password = process.env.NEO4J_PASSWORD ?? "";

const browser = await chromium.launch({
  executablePath: options.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"].concat(
    ["--disable-background-networking", "--disable-component-update", "--disable-sync"],
  ),
});
try {
  const page = await browser.newPage({ viewport: { width, height }, deviceScaleFactor: 1 });
  // No welcome frame, no look beyond this machine, the light theme.
  await page.addInitScript(() => {
    if (!localStorage.getItem("neo4j.settings")) {
      const settings = { initCmd: "", playImplicitInitCommands: false, theme: "normal", connectToDatabase: true };
      localStorage.setItem("neo4j.settings", JSON.stringify(settings));
    }
  });
  await page.route("**/*", (route) =>
    ["127.0.0.1", "localhost"].includes(new URL(route.request().url()).hostname) ? route.continue() : route.abort(),
  );
  await page.goto(options.url);
  await connect(page);
  await run(page, `:style ${(await readFile(options.style, "utf8")).replace(/\s+/g, " ")}`);
  await run(page, ":clear");
  for (const parameter of options.param) {
    const [name, ...value] = parameter.split("=");
    await run(page, `:param ${name} => ${JSON.stringify(value.join("="))}`);
  }
  await run(page, ":clear");
  await run(page, await readFile(options.query, "utf8"));
  await show(page);
  await page.screenshot({ path: options.out });
  console.log(`Wrote ${options.out}`);
} finally {
  await browser.close();
}

async function connect(page) {
  await page.getByTestId("connect").waitFor({ timeout: 30_000 });
  if (password) {
    await page.getByTestId("username").fill("neo4j");
    await page.getByTestId("password").fill(password);
  } else {
    await page.getByTestId("authenticationMethod").selectOption("NO_AUTH");
  }
  await page.getByTestId("connect").click();
  await page.getByTestId("connect").waitFor({ state: "detached", timeout: 30_000 });
  await page.waitForTimeout(1_000);
}

async function run(page, text) {
  await page.getByTestId("activeEditor").click();
  await page.keyboard.press("Control+A");
  await page.keyboard.insertText(text);
  await page.getByTestId("editor-Run").click();
  await page.waitForTimeout(1_500);
}

async function show(page) {
  await page.getByTestId("frameContents").first().waitFor({ timeout: 60_000 });
  await page.locator('[data-testid="frame"] button[title="Fullscreen"]').first().click();
  await page.waitForTimeout(Number(options.settle) * 1_000);
  const error = page.locator('[data-testid="frame"] :text-matches("^(ERROR|Neo\\\\.ClientError)")').first();
  if (await error.count()) throw new Error(`the query failed: ${await error.innerText()}`);
  if (options.view === "table") {
    await page.getByTestId("cypherFrameSidebarTable").click();
    return page.waitForTimeout(1_000);
  }
  const panel = page.getByLabel("Collapse the node properties display");
  if (await panel.count()) await panel.click(); // it would hide a part of the drawing
  await page.waitForTimeout(1_000);
  await page.getByLabel("zoom-to-fit").click();
  const zoom = Number(options.zoom);
  for (let n = 0; n < Math.abs(zoom); n++) {
    await page.getByLabel(zoom > 0 ? "zoom-in" : "zoom-out").click();
    await page.waitForTimeout(300);
  }
  await page.mouse.move(width - 20, height - 20);
  await page.waitForTimeout(1_500);
}
