// The repository's page: how it grows, what is proven, and which keys open it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withConsole } from './browser.mjs';
import { emptySite, ordinarySite } from './fixtures.mjs';

test('repository: growth as a picture with its ends, and when it is full', async () => {
  await withConsole({ site: ordinarySite(), address: '#/repository' }, async (page) => {
    await page.getByRole('img', { name: /^Stored bytes: 120 GiB on \d{4}-\d\d-\d\d, 252 GiB now$/ }).waitFor();
    await page.getByText('Forecast: 1.7 GiB more a day, full in about 2 years').waitFor();
  });
});

test('repository: without a record it says why there is no forecast', async () => {
  await withConsole({ site: emptySite(), address: '#/repository' }, async (page) => {
    await page.getByText('There is too little record for a picture').waitFor();
    await page.getByText('Forecast: a forecast needs 3 days of record').waitFor();
    assert.equal(await page.locator('.growth').count(), 0);
  });
});

test('repository: how long ago each machine was proven, the damaged ones by themselves', async () => {
  const site = ordinarySite();
  const newest = site.vms[0].last_point;
  site.vms[0] = { ...site.vms[0], last_point: { ...newest, has_known_damage: true } };
  site.vms[1] = { ...site.vms[1], last_point: { ...site.vms[1].last_point, verified: null } };
  await withConsole({ site, address: '#/repository' }, async (page) => {
    const ages = await page.locator('.ages li').allTextContents();
    assert.deepEqual(ages, ['within a week0', 'within a month1', 'longer ago0', 'not yet1', 'damaged1']);
  });
});

test('repository: a passphrase is added, changed and revoked, each after it was said twice or asked', async () => {
  await withConsole({ site: ordinarySite(), address: '#/repository' }, async (page, appliance) => {
    const sent = (name) => appliance.requests.filter((request) => request.name === name);
    const dialog = page.getByRole('dialog');
    await page.getByRole('button', { name: 'Add a passphrase' }).click();
    await dialog.getByLabel('New passphrase').fill('one that is long');
    await dialog.getByLabel('Once more').fill('another one');
    await dialog.getByRole('button', { name: 'Add a passphrase' }).click();
    await dialog.getByText('The two entries differ.').waitFor();
    assert.equal(sent('addKey').length, 0);
    await dialog.getByLabel('Once more').fill('one that is long');
    await dialog.getByRole('button', { name: 'Add a passphrase' }).click();
    await page.getByText('Added as slot 2.').waitFor();
    assert.deepEqual(sent('addKey')[0].body, { passphrase: 'one that is long' });

    await page.getByRole('button', { name: 'Change a passphrase' }).click();
    await dialog.getByLabel('Present passphrase').fill('one that is long');
    await dialog.getByLabel('New passphrase').fill('a longer one still');
    await dialog.getByLabel('Once more').fill('a longer one still');
    await dialog.getByRole('button', { name: 'Change a passphrase' }).click();
    await page.getByText('The passphrase was changed.').waitFor();
    assert.deepEqual(sent('changeKey')[0].body, { old_passphrase: 'one that is long', new_passphrase: 'a longer one still' });

    await page.getByRole('button', { name: 'Revoke key slot 2?' }).click();
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
    assert.equal(sent('revokeKey').length, 0);
    await page.getByRole('button', { name: 'Revoke key slot 2?' }).click();
    await dialog.getByRole('button', { name: 'Revoke it' }).click();
    await page.waitForSelector('dialog', { state: 'detached' });
    assert.deepEqual(sent('revokeKey')[0].path, { slot: '2' });
    assert.equal(await page.getByRole('table', { name: 'Keys' }).locator('tbody tr').count(), 2);
  });
});
