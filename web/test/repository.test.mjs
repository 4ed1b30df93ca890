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
