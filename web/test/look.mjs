// How a page looks: settled, not wider than its window, pictured into OUT, and without a violation of WCAG 2.1 AA by axe-core.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const kAxe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const kOut = process.env.OUT ?? '';
const kStandard = new Set(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']);
const kPatienceMs = 90_000; // Only a failure takes that long; a busy machine may need it.
export const kWide = { width: 1440, height: 900 };
export const kNarrow = { width: 390, height: 844 };

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

/// Wide and narrow, light and dark: calls `look` with the window set and a name for it. The page stays loaded.
export async function inAllWindows(page, look) {
  for (const [size, viewport] of [
    ['1440', kWide],
    ['390', kNarrow],
  ]) {
    await page.setViewportSize(viewport);
    for (const scheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme: scheme });
      await look(`${size}-${scheme}`);
    }
  }
}

/// `isDeep`: with axe-core, which takes long where a page has a thousand rows.
export async function checkLook(page, name, isDeep = true) {
  const { wide, seen } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth,
    seen: document.documentElement.clientWidth,
  }));
  assert.ok(wide <= seen, `${name} is ${wide} pixels wide in a window of ${seen}`);
  if (kOut) await page.screenshot({ path: `${kOut}/${name}.png`, fullPage: !name.startsWith('long') });
  if (!isDeep) return;
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(kAxe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  // Beyond the standard there is advice: only what is serious of it counts.
  const serious = violations.filter(({ impact, tags }) => tags.some((tag) => kStandard.has(tag)) || impact === 'serious' || impact === 'critical');
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
