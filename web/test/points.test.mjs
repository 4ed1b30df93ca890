// The days that a machine can go back to, and what a retention rule would make of its points.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withConsole } from './browser.mjs';
import { makePoint } from './builders.mjs';
import { ordinarySite } from './fixtures.mjs';
import { checkLook, inAllWindows, kWide, loadMore, until } from './look.mjs';

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
    await page.getByText('removes', { exact: true }).first().waitFor({ state: 'detached' });

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

test('points: however many there are, they are read on page by page, and what is open stays open', async () => {
  const site = ordinarySite();
  const vm = site.vms[0];
  const kMany = 1_205;
  site.points = Array.from({ length: kMany }, (_, index) => makePoint(20_000 + index, vm, 30 + index * 60, 'incremental'));
  await withConsole({ site, address: kVm }, async (page, appliance) => {
    await page.getByText('The newest 300 points; older ones are not loaded yet').waitFor();
    await rowsOf(page).first().locator('button.fold').click();
    for (let count = 600; count < kMany; count += 300) {
      await loadMore(page);
      await page.getByText(`The newest ${count.toLocaleString('en-GB')} points`).waitFor();
      assert.equal(await page.locator('button.fold[aria-expanded="true"]').count(), 1);
    }
    await page.getByRole('button', { name: 'Load more' }).click();
    await page.getByText('All 1,205 points').waitFor();
    assert.equal(await page.locator('tbody button.fold').count(), kMany);
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'status');
    // A job that ends has them read again, all of them.
    appliance.update('job-3', { state: 'done', ended: new Date().toISOString() });
    await until(page, (wanted) => document.querySelectorAll('tbody button.fold').length === wanted, kMany);
    await page.goto(`${appliance.origin}/#/files?vm=${vm.id}`);
    await page.getByText('The newest 200 points; older ones are not loaded yet').waitFor();
    await page.getByRole('button', { name: 'Load more' }).click();
    await page.getByText('The newest 400 points').waitFor();
  });
});
