// What hosts, guests and people wrote is text wherever it is shown (F-WB-06): every free text of a site ends in markup, and no
// page makes anything of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withConsole } from './browser.mjs';
import { ordinarySite } from './fixtures.mjs';
import { settled } from './look.mjs';
import { kPages } from './site_pages.mjs';

const kMarkup = '<img src=x onerror="document.title=1"><svg onload="document.title=1"></svg><b>bold</b>';

/// Members that somebody else than the appliance wrote, or that quote somebody.
const kFree = new Set([
  'cause', 'command', 'cure', 'evidence', 'hint', 'hold_reason', 'label', 'message', 'notes', 'reason', 'requested_by', 'subject', 'text', 'user_agent',
  'waiting_for', 'cannot_back_up', 'excluded',
]);
const kFreeLists = new Set(['context', 'problems', 'log', 'because']);
/// Whose names people and hosts choose; those of hosts, policies and users are bound to letters.
const kNamed = new Set(['vms', 'vm', 'disks', 'skipped', 'checkpoints', 'inventory']);

function spoil(value, key = '', above = '') {
  if (typeof value === 'string') {
    const isFree = kFree.has(key) || (key === 'name' && kNamed.has(above)) || kFreeLists.has(above);
    return isFree ? value + kMarkup : value;
  }
  if (Array.isArray(value)) return value.map((entry) => spoil(entry, '', key));
  if (value === null || typeof value !== 'object') return value;
  // In a list the members stand below the list's own name; of a stage the text is a word of ours.
  const place = key === '' ? above : key;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, name === 'text' && value.level === 'stage' ? member : spoil(member, name, place)]),
  );
}

test('every page: what others wrote is text and nothing else (F-WB-06)', async () => {
  const site = spoil(ordinarySite());
  await withConsole({ site, expectsRefusals: true }, async (page, appliance) => {
    const shown = new Set();
    for (const [name, address] of Object.entries(kPages)) {
      await page.goto(`${appliance.origin}/${address}`);
      await settled(page);
      for (const button of await page.locator('main button.fold, main summary').all()) await button.click();
      const seen = await page.evaluate(() => ({
        made: document.querySelectorAll('main img, main script, main iframe, main svg[onload], main b, [onerror]').length,
        title: document.title,
        isShown: document.querySelector('main').textContent.includes('<b>bold</b>'),
      }));
      assert.equal(seen.made, 0, `${name}: markup became elements`);
      assert.notEqual(seen.title, '1', `${name}: code ran`);
      if (seen.isShown) shown.add(name);
    }
    // Pages on which nothing of it is shown would prove nothing.
    for (const name of ['overview', 'vms', 'vm', 'vm_disks', 'point', 'restore', 'jobs', 'job_running', 'job_failed', 'job_doctor', 'host', 'access'])
      assert.ok(shown.has(name), `${name} shows none of it`);
  });
});
