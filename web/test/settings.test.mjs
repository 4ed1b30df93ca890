// Settings: what holds at once is changed here, what the file decides is shown with its source, and nobody else sees it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withConsole } from './browser.mjs';
import { ago } from './builders.mjs';
import { ordinarySite } from './fixtures.mjs';
import { checkLook, inAllWindows, until } from './look.mjs';

const kBackups = 'Backups read, MiB a second';
const changes = (appliance) => appliance.requests.filter(({ name }) => name === 'changeSettings').map(({ body }) => body.changes);

test('settings: a speed is changed, holds, and is taken back', async () => {
  await withConsole({ site: ordinarySite(), address: '#/settings' }, async (page, appliance) => {
    const field = page.getByLabel(kBackups);
    const save = page.getByRole('button', { name: 'Save' });
    assert.equal(await field.inputValue(), '0');
    assert.equal(await save.isDisabled(), true, 'there is nothing to save');
    // What is no number of the range stays here.
    for (const wrong of ['100001', '-1', '1.5', '']) {
      await field.fill(wrong);
      await save.click();
      assert.equal(await field.evaluate((input) => input.validity.valid), false, wrong);
    }
    assert.deepEqual(changes(appliance), []);
    await field.fill('50');
    await page.keyboard.press('Enter');
    await page.getByText('Saved. It holds already, also for jobs that run.').waitFor();
    assert.deepEqual(changes(appliance).pop(), [{ name: 'repository.ingest_mib_per_second', value: 50 }]);
    await page.reload();
    await page.getByLabel(kBackups).waitFor();
    assert.equal(await page.getByLabel(kBackups).inputValue(), '50');
    await page.getByRole('button', { name: 'As configured again: Backups read' }).click();
    await until(page, () => document.querySelector('input.number').value === '0');
    assert.deepEqual(changes(appliance).pop(), [{ name: 'repository.ingest_mib_per_second', value: null }]);
    assert.equal(await page.getByRole('button', { name: /^As configured again/ }).count(), 0);
  });
});

test('settings: what the appliance refuses is read beside the form, and what was typed stays', async () => {
  const site = ordinarySite();
  await withConsole({ site, address: '#/settings', expectsRefusals: true }, async (page) => {
    await page.getByLabel(kBackups).fill('70');
    site.settings.find(({ name }) => name === 'repository.ingest_mib_per_second').most = 60;
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('alert').getByText('must be from 0 to 60').waitFor();
    assert.equal(await page.getByLabel(kBackups).inputValue(), '70');
  });
});

test('settings: what only the file decides is shown with value, default, source, and what to do', async () => {
  await withConsole({ site: ordinarySite(), address: '#/settings' }, async (page) => {
    const row = (name) => page.getByRole('row').filter({ has: page.getByText(name, { exact: true }) });
    await row('time_zone').getByText('Europe/Berlin').waitFor();
    await row('time_zone').getByText('default: UTC').waitFor();
    await row('time_zone').getByText('file', { exact: true }).waitFor();
    await row('server.listen').getByText('command line').waitFor();
    await row('share.smb_conf').getByText('none', { exact: true }).waitFor();
    assert.equal(await row('repository.ingest_mib_per_second').count(), 0, 'it is above, in the form');
    await page.getByText('/etc/entrepot/entrepot.toml').waitFor();
    await page.getByText('systemctl restart entrepotd').waitFor();
    assert.equal(await page.locator('table input, table button').count(), 0, 'nothing there looks as if it could be changed');
  });
});

test('settings: the minimum age is extended after a question and the password, and never reduced', async () => {
  const site = ordinarySite();
  site.clock = { time: ago(0), clock: ago(0), frozen: null, minimum_age_seconds: 10 * 86_400 };
  await withConsole({ site, address: '#/settings', expectsRefusals: true }, async (page, appliance) => {
    appliance.confirmed = false;
    const field = page.getByLabel('New minimum age, days');
    await page.getByText('10 days', { exact: true }).waitFor();
    await field.fill('10');
    await page.getByRole('button', { name: 'Extend …' }).click();
    assert.equal(await page.getByRole('dialog').count(), 0, 'shorter or equal is not even asked about');
    await field.fill('30');
    await page.getByRole('button', { name: 'Extend …' }).click();
    await page.getByRole('heading', { name: 'Keep every point for 30 days?' }).waitFor();
    await page.getByRole('button', { name: 'Extend it' }).click();
    await page.getByRole('heading', { name: 'Your password, please' }).waitFor();
    appliance.confirmed = true;
    await page.getByRole('dialog').getByLabel('Password').fill('four words in a row');
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByText('The minimum age is longer now.').waitFor();
    await page.getByText('30 days', { exact: true }).waitFor();
    assert.deepEqual(appliance.requests.filter(({ name }) => name === 'extendMinimumAge').map(({ body }) => body), [{ minimum_age_seconds: 30 * 86_400 }]);
  });
});

test('settings: a clock that jumped is confirmed as it was seen', async () => {
  const site = ordinarySite();
  site.clock = { time: ago(60 * 72), clock: ago(0), frozen: 'the clock moved by 3 days', minimum_age_seconds: 0 };
  await withConsole({ site, address: '#/settings', bypassCSP: true }, async (page, appliance) => {
    await page.getByText('the clock moved by 3 days').waitFor();
    await inAllWindows(page, (window) => checkLook(page, `settings-frozen-${window}`));
    await page.getByRole('button', { name: 'The clock is right …' }).click();
    await page.getByRole('button', { name: 'It is right' }).click();
    await page.getByText('They agree').waitFor();
    assert.deepEqual(appliance.requests.find(({ name }) => name === 'confirmClock').body, { clock: site.clock.clock });
  });
});

test('settings: whoever is no administrator is not offered them, and told what it takes', async () => {
  await withConsole({ site: ordinarySite(), privilege: 'operator', address: '#/settings' }, async (page, appliance) => {
    await page.getByText('Your role may not see the settings.').waitFor();
    await page.getByText('It takes the role Administrator').waitFor();
    assert.equal(await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Settings' }).count(), 0);
    assert.ok(!appliance.requests.some(({ name }) => name === 'listSettings'));
  });
});
