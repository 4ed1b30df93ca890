// The console in a real browser against the stand-in appliance. CHROMIUM names the browser, OUT a folder for pictures.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before } from 'node:test';
import { chromium } from 'playwright-core';
import { Appliance } from './appliance.mjs';

const kAxe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const kOut = process.env.OUT ?? '';
const kPatienceMs = 30_000;
export const kWide = { width: 1280, height: 800 };
export const kNarrow = { width: 390, height: 844 };
let browser;

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
  if (kOut) mkdirSync(kOut, { recursive: true });
});
after(() => browser.close());

/// Opens the console on a site and runs the body; nothing may go wrong behind its back.
export async function withConsole(
  { site, address = '#/', viewport = kWide, scheme = 'light', bypassCSP = false, loggedIn = true, expectsRefusals = false },
  body,
) {
  const appliance = await new Appliance(site, { loggedIn }).listen();
  const context = await browser.newContext({
    viewport,
    colorScheme: scheme,
    bypassCSP,
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
  });
  const complaints = [];
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(kPatienceMs);
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      const isRefusal = message.text().includes('Failed to load resource');
      if (message.type() === 'error' && !(isRefusal && expectsRefusals)) complaints.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(appliance.origin)) complaints.push(`a request to elsewhere: ${request.url()}`);
    });
    await page.goto(`${appliance.origin}/${address}`);
    await settled(page);
    await body(page, appliance);
    assert.deepEqual(complaints, []);
    assert.deepEqual(appliance.faults, []);
  } finally {
    await context.close();
    await appliance.close();
  }
}

export async function settled(page) {
  await page.waitForSelector('h1');
  await until(page, () => document.querySelector('.loading') === null);
}

/// Waits for the page to reach a state. Asks from outside: the security policy forbids what
/// playwright's own waiting does inside the page.
export async function until(page, condition, argument) {
  const deadline = Date.now() + kPatienceMs;
  while (!(await page.evaluate(condition, argument))) {
    if (Date.now() > deadline) throw new Error(`never true: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export async function checkLook(page, name) {
  const { wide, seen } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth,
    seen: document.documentElement.clientWidth,
  }));
  assert.ok(wide <= seen, `${name} is ${wide} pixels wide in a window of ${seen}`);
  if (kOut) await page.screenshot({ path: `${kOut}/${name}.png`, fullPage: !name.startsWith('long') });
  await page.evaluate(kAxe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const serious = violations.filter((violation) => violation.impact === 'serious' || violation.impact === 'critical');
  assert.deepEqual(
    serious.map(
      (violation) =>
        `${violation.id}: ${violation.nodes
          .slice(0, 3)
          .map((node) => node.html)
          .join(' | ')}`,
    ),
    [],
    name,
  );
}
