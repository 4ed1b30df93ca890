// How a page looks: settled, not wider than its window, pictured into OUT, and without a violation of WCAG 2.1 AA by axe-core.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const kAxe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const kOut = process.env.OUT ?? '';
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

/// By its words only: the search for its role asks for the name of each element, of thousands where a list is long.
export function loadMore(page) {
  return page.locator('main button', { hasText: 'Load more' }).click();
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

const sessions = new WeakMap();

/// Playwright's own pictures take twice the processor: they are packed as small as can be. Of a page of a thousand rows, and where a
/// dialog is open, only what the window shows is pictured.
async function takePicture(page, name, { width, height, hasDialog }) {
  if (!sessions.has(page)) sessions.set(page, await page.context().newCDPSession(page));
  const whole = { captureBeyondViewport: true, clip: { x: 0, y: 0, width, height, scale: 1 } };
  const options = { format: 'png', optimizeForSpeed: true, ...(hasDialog || name.startsWith('long') ? {} : whole) };
  const { data } = await sessions.get(page).send('Page.captureScreenshot', options);
  writeFileSync(`${kOut}/${name}.png`, Buffer.from(data, 'base64'));
}

/// `isDeep`: with axe-core.
export async function checkLook(page, name, isDeep = true) {
  const { wide, seen, ...look } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth,
    seen: document.documentElement.clientWidth,
    height: document.documentElement.scrollHeight,
    hasDialog: document.querySelector('dialog[open]') !== null,
  }));
  assert.ok(wide <= seen, `${name} is ${wide} pixels wide in a window of ${seen}`);
  if (kOut) await takePicture(page, name, { width: seen, ...look });
  if (!isDeep) return;
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(kAxe);
  assert.deepEqual(await page.evaluate(violationsOf), [], name);
}

/// Runs in the page. What axe-core finds depends on the elements and where they lie, but two rules depend on colours as well. So in
/// the second of two themes only those are run, if no element has changed. They are slow: there, and where there are many texts, of
/// those that stand in the same elements with the same colours all the way up one stands for all.
async function violationsOf() {
  const kStandard = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'];
  const kOfColours = ['color-contrast', 'link-in-text-block'];
  const kTextsMany = 400;
  const { axe } = window;
  const isStandard = ({ tags }) => tags.some((tag) => kStandard.includes(tag));
  // Beyond the standard there is advice: only what is serious of it counts, and what never is need not be looked for.
  const counts = (rule) => isStandard(rule) || rule.impact === 'serious' || rule.impact === 'critical';
  const advice = axe._audit.rules.filter((rule) => !isStandard(rule) && (rule.impact === 'minor' || rule.impact === 'moderate')).map(({ id }) => id);

  const kinds = new Map();
  const kindOf = (element) => {
    if (element === null) return '';
    if (!kinds.has(element)) {
      const style = getComputedStyle(element);
      const own = [
        element.tagName, element.className, element.getAttribute('aria-current'), element.disabled, style.color, style.backgroundColor, style.backgroundImage,
        style.opacity, style.filter, style.fontSize, style.fontWeight, style.position, style.textDecorationLine, style.textShadow,
      ];
      kinds.set(element, `${kindOf(element.parentElement)}\n${own}`);
    }
    return kinds.get(element);
  };
  const hasText = (element) => element.matches('input, select, textarea') || [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const texts = [...document.body.querySelectorAll('*')].filter((element) => hasText(element) && element.checkVisibility({ visibilityProperty: true }));
  const oneOfEachKind = () => [...new Map(texts.map((element) => [kindOf(element), element])).values()];

  const found = [];
  const run = async (context, options) => {
    const { violations } = await axe.run(context, { resultTypes: ['violations'], ...options });
    for (const violation of violations.filter(counts)) {
      const places = violation.nodes.slice(0, 3).map((node) => node.html);
      found.push(`${violation.id}: ${places.join(' | ')}`);
    }
  };
  const without = (rules) => ({ rules: Object.fromEntries(rules.map((id) => [id, { enabled: false }])) });
  const looked = `${innerWidth} ${document.documentElement.outerHTML}`;
  const isKnown = window.lookedAt === looked;
  const isShort = texts.length < kTextsMany;
  window.lookedAt = looked;
  if (!isKnown) await run(document, without(isShort ? advice : [...advice, ...kOfColours]));
  if (isKnown || !isShort) await run(oneOfEachKind(), { runOnly: kOfColours });
  return found;
}
