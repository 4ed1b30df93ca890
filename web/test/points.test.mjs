// The days that a machine can go back to, and what a retention rule would make of its points.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withConsole } from './browser.mjs';
import { ordinarySite } from './fixtures.mjs';
import { checkLook, inAllWindows, kWide, until } from './look.mjs';

const kVm = `#/vms/${ordinarySite().vms[0].id}`;
const rowsOf = (page) => page.getByRole('table', { name: 'Recovery points' }).locator('tbody tr');

test('calendar: a day with points is picked by keyboard, and the list shows only its points', async () => {
  await withConsole({ site: ordinarySite(), address: kVm }, async (page) => {
    assert.equal(await rowsOf(page).count(), 12);
    const days = page.getByRole('group', { name: 'Days with recovery points' }).getByRole('button');
    assert.equal(await days.count(), 12);
    assert.equal(await page.locator('.calendar [tabindex="0"]').count(), 1, 'one stop of the Tab key');
    await page.locator('.calendar [tabindex="0"]').focus();
    for (let back = 0; back < 3; ++back) await page.keyboard.press('ArrowUp');
    assert.match(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), /: 1 point, damaged/);
    await page.keyboard.press('Enter');
    await until(page, () => document.querySelectorAll('tbody button.fold').length === 1);
    await page.getByRole('button', { name: 'Show all days' }).click();
    await until(page, () => document.querySelectorAll('tbody button.fold').length === 12);
  });
});

test('what-if: each rule says how many points it keeps, and the picked one marks them', async () => {
  await withConsole({ site: ordinarySite(), address: kVm }, async (page, appliance) => {
    await page.getByRole('button', { name: 'What would a rule keep?' }).click();
    const choice = (name) => page.getByRole('row').filter({ hasText: name });
    await choice('As now: nightly').getByText('12', { exact: true }).waitFor();
    // Seven days and two that are held or protected, both within them.
    assert.match((await choice('A week').textContent()).replace(/\s+/g, ' '), /7.*5/);
    await page.getByRole('radio', { name: /^A week/ }).check();
    await until(page, () => document.querySelectorAll('.day.gone').length > 0);
    assert.equal(await rowsOf(page).getByText('removes', { exact: true }).count(), 5);
    assert.equal(await rowsOf(page).getByText(/^keeps: /).count(), 7);

    await page.getByLabel('last', { exact: true }).fill('1');
    for (const name of ['daily', 'weekly', 'monthly']) await page.getByLabel(name, { exact: true }).fill('0');
    await until(page, () => [...document.querySelectorAll('tbody .badge')].filter((badge) => badge.textContent === 'removes').length === 9);
    assert.ok(await page.getByRole('radio', { name: /^Your numbers/ }).isChecked());
    await page.getByLabel('last', { exact: true }).fill('0');
    await page.getByRole('radio', { name: /^Your numbers/ }).waitFor({ state: 'detached' });
    assert.equal(await page.getByText('removes', { exact: true }).count(), 0);

    await page.getByRole('button', { name: 'Close what-if' }).click();
    await until(page, () => document.querySelector('.day.gone') === null);
    assert.ok(!appliance.requests.some((request) => ['startPrune', 'deletePoint'].includes(request.name)), 'nothing was removed');
  });
});

test('what-if: looks right, wide and narrow, light and dark', async () => {
  await withConsole({ site: ordinarySite(), address: kVm, viewport: kWide, bypassCSP: true }, async (page) => {
    await page.getByRole('button', { name: 'What would a rule keep?' }).click();
    await page.getByRole('radio', { name: /^A week/ }).check();
    await until(page, () => document.querySelectorAll('.day.gone').length > 0);
    await inAllWindows(page, (window) => checkLook(page, `what-if-${window}`));
  });
});
