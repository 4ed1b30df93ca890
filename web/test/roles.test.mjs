// Who may do what: a role is offered what it may, reads nothing that it may not, and is told who may.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withConsole } from './browser.mjs';
import { ordinarySite } from './fixtures.mjs';
import { settled } from './look.mjs';
import { kPages } from './site_pages.mjs';

const kLevels = ['viewer', 'restore-operator', 'operator', 'administrator'];

/// By the first words of a button, or of a link that looks like one: the role that it takes. Whatever is not here any role may.
const kTaken = [
  [/^Back up/, 'operator'],
  [/^Try again$/, 'operator'],
  [/^Cancel$/, 'operator'],
  [/^Examine/, 'operator'],
  [/^Verify/, 'operator'],
  [/^Hold …/, 'operator'],
  [/^Protect …/, 'operator'],
  [/^Leave out|^Take in again/, 'operator'],
  [/^Run now/, 'operator'],
  [/^Compare$/, 'operator'],
  [/^Restore|^Download|^Browse files|^Versions|^Index/, 'restore-operator'],
  [/^Check$/, 'restore-operator'],
  [/^Delete …|^Release the hold/, 'administrator'],
  [/^Add a |^Change bob|^Change the|^Change …|^New link|^Remove the/, 'administrator'],
  [/^Make its login|^New password …|^Quota …|^Close …|^Close the account/, 'administrator'],
  [/^Only look|^Reclaim|^Rebuild/, 'administrator'],
  [/^Add a passphrase|^Change a passphrase|^Revoke key/, 'administrator'],
  [/^Check the log|^Export$/, 'administrator'],
  [/^Save$|^Extend …|^As configured again|^The clock is right/, 'administrator'],
];

const namesOf = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll('main button, main a.button')].map((element) => element.getAttribute('aria-label') ?? element.textContent.trim()),
  );

for (const [level, role] of kLevels.entries()) {
  test(`roles: no page offers a ${role} what the role may not, or reads it`, async () => {
    await withConsole({ site: ordinarySite(), privilege: role }, async (page, appliance) => {
      const seen = new Set();
      for (const address of Object.values(kPages)) {
        await page.goto(`${appliance.origin}/${address}`);
        await settled(page);
        // The first row shows what can be done with any.
        const fold = page.locator('main button.fold').first();
        if ((await fold.count()) > 0) await fold.click();
        for (const name of await namesOf(page)) {
          const taken = kTaken.find(([expression]) => expression.test(name))?.[1];
          if (taken) seen.add(taken);
          assert.ok(!taken || kLevels.indexOf(taken) <= level, `${address} offers "${name}" to a ${role}`);
        }
      }
      // What a role may it does find: else this test would pass on empty pages.
      assert.deepEqual([...seen].sort(), kLevels.slice(1, level + 1).sort());
    });
  });
}

test('roles: a page beyond the role says which role it takes', async () => {
  await withConsole({ site: ordinarySite(), privilege: 'viewer', address: '#/restore' }, async (page, appliance) => {
    await page.getByText('Your role may not restore.').waitFor();
    await page.getByText('It takes the role Restore operator').waitFor();
    assert.equal(await page.getByRole('link', { name: 'Restore', exact: true }).count(), 0);
    await page.goto(`${appliance.origin}/${kPages.restore_vm}`);
    await page.getByText('Your role may not restore machines.').waitFor();
  });
});

test('roles: one who restores downloads disks, but writes none on the appliance', async () => {
  await withConsole({ site: ordinarySite(), privilege: 'restore-operator', address: kPages.restore_target }, async (page) => {
    await page.getByRole('button', { name: 'Download the disk' }).waitFor();
    assert.equal(await page.getByLabel('A file on the appliance').count(), 0);
  });
});

test('access: users, tokens and sessions are read on, page by page', async () => {
  const site = ordinarySite();
  site.users = Array.from({ length: 230 }, (_, index) => ({ ...site.users[0], name: `user-${String(index).padStart(3, '0')}` }));
  await withConsole({ site, address: '#/access' }, async (page, appliance) => {
    const rows = page.getByRole('table', { name: 'Users', exact: true }).locator('tbody tr');
    await rows.first().waitFor();
    assert.equal(await rows.count(), 100);
    await page.getByRole('button', { name: 'Load more' }).click();
    await page.getByText('user-199').waitFor();
    await page.getByRole('button', { name: 'Load more' }).click();
    await page.getByText('user-229').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Load more' }).count(), 0);
    assert.deepEqual(appliance.requests.filter(({ name }) => name === 'listUsers').map(({ query }) => query.cursor), [undefined, '100', '200']);
  });
});
