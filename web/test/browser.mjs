// The console in a real browser against the stand-in appliance. CHROMIUM names the browser, OUT a folder for pictures.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before } from 'node:test';
import { chromium } from 'playwright-core';
import { Appliance } from './appliance.mjs';
import { kWide, settled } from './look.mjs';

const kOut = process.env.OUT ?? '';
const kPatienceMs = 30_000;
const kWatched = ['pageerror', 'console', 'request', 'response'];
const kWindows = new Map(); // By whether the security policy is off: the window that the tests use one after the other.
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

/// A new window for each test would take more of the processor than most tests do: what one leaves behind is removed instead.
async function openWindow({ viewport, scheme, bypassCSP }) {
  let page = kWindows.get(bypassCSP);
  if (!page) {
    const context = await browser.newContext({ bypassCSP, timezoneId: 'UTC', reducedMotion: 'reduce' });
    page = await context.newPage();
    page.setDefaultTimeout(kPatienceMs);
    kWindows.set(bypassCSP, page);
  }
  await page.setViewportSize(viewport);
  await page.emulateMedia({ colorScheme: scheme });
  return page;
}

async function leaveWindow(page) {
  await page.goto('about:blank');
  for (const event of kWatched) page.removeAllListeners(event);
  await page.unrouteAll();
  await page.context().clearCookies();
}

/// Opens the console on a site and runs the body; nothing may go wrong behind its back.
export async function withConsole(
  { site, address = '#/', viewport = kWide, scheme = 'light', bypassCSP = false, loggedIn = true, privilege = 'administrator', expectsRefusals = false },
  body,
) {
  const appliance = await new Appliance(site, { loggedIn }).listen();
  appliance.privilege = privilege;
  const page = await openWindow({ viewport, scheme, bypassCSP });
  const complaints = [];
  try {
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
    await leaveWindow(page);
  } catch (error) {
    // The next test gets a window that nobody knows anything about.
    kWindows.delete(bypassCSP);
    await page.context().close();
    throw error;
  } finally {
    await appliance.close();
  }
}
