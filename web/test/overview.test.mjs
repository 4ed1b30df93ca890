// A morning's glance: the worst first, one line per cause, each with where to go; quiet when all is well.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withConsole } from './browser.mjs';
import { ago, makeGrowth, makePoint, makeVm, makeWarning } from './builders.mjs';
import { emptySite, longSite, ordinarySite, quietSite } from './fixtures.mjs';

const concernsOf = (page) => page.locator('.concerns li strong').allTextContents();

test('overview: what failed, what is late, what was left on hosts, who is silent, what is unprotected', async () => {
  await withConsole({ site: ordinarySite() }, async (page) => {
    assert.deepEqual(await concernsOf(page), [
      'Backup failed: sql01',
      'The console\u2019s certificate ends',
      '1 machine is late',
      'The host hv02 could not be asked',
      'Something was left on the host of files01',
      '1 machine has no policy',
    ]);
    await page.getByRole('link', { name: /^Open: Something was left/ }).click();
    await page.getByRole('heading', { level: 1, name: 'files01' }).waitFor();
    await page.getByText("Get-VMSnapshot -VMName 'files01'").waitFor();
  });
});

test('overview: quiet when all is well, with the last restore and when space runs out', async () => {
  await withConsole({ site: quietSite() }, async (page) => {
    await page.getByRole('heading', { name: 'The one virtual machine is protected' }).waitFor();
    assert.equal(await page.locator('.concerns').count(), 0);
    await page.getByText('1.7 GiB more a day, full in about 2 years').waitFor();
    const proof = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Proof' }) });
    await proof.getByText('1 of 1').first().waitFor();
    await proof.getByRole('link', { name: 'web01' }).click();
    await page.getByRole('heading', { name: /^Machine restore/ }).waitFor();
  });
});

test('overview: space that runs out soon is told before it is low', async () => {
  const site = quietSite();
  site.growth = makeGrowth(40, { full_at: ago(-1440 * 12 - 60), bytes_per_day: 270 * 1024 ** 3, based_on_days: 30 });
  await withConsole({ site }, async (page) => {
    assert.deepEqual(await concernsOf(page), ['The repository is full in about 12 days']);
    await page.getByText('Its file system gained 270 GiB a day, by the last 30 days.').waitFor();
    assert.equal(await page.locator('.verdict.warning').count(), 1);
  });
});

test('overview: a damaged newest point is bad, and told once', async () => {
  const site = quietSite();
  const vm = { id: site.vms[0].id, name: 'web01', host: 'hv01' };
  const point = makePoint(900, vm, 30, 'incremental', { has_known_damage: true });
  site.points.unshift(point);
  site.vms = [makeVm(11, 'web01', 'hv01', [point], null, { problems: ['the newest recovery point is damaged'] })];
  await withConsole({ site }, async (page) => {
    assert.deepEqual(await concernsOf(page), ['A newest recovery point is damaged']);
    assert.equal(await page.locator('.verdict.bad').count(), 1);
  });
});

test('overview: a thousand machines make no more lines than there are causes', async () => {
  await withConsole({ site: longSite() }, async (page) => {
    const concerns = await concernsOf(page);
    assert.ok(concerns.length <= 4, concerns.join('; '));
    assert.equal(concerns[0], 'Backup failed for 20 machines, for one reason');
  });
});

test('overview: what is wrong with the appliance itself, with where to go; before the first backup, too', async () => {
  const site = quietSite();
  site.warnings = [
    makeWarning('share.server-down', 'bad', 'the share\u2019s file server does not run: port 445 is taken'),
    makeWarning('job.gc-failed', 'bad', 'repository: the disk is full', { job: 'job-1' }),
    makeWarning('something.new', 'warning', 'what this console does not know yet'),
  ];
  await withConsole({ site }, async (page) => {
    assert.deepEqual(await concernsOf(page), [
      'The share\u2019s file server does not run',
      'Giving back space failed',
      'what this console does not know yet',
    ]);
    await page.getByText('port 445 is taken').waitFor();
    assert.equal(await page.getByRole('link', { name: /^Hosts: The share/ }).getAttribute('href'), '#/hosts');
    assert.equal(await page.getByRole('link', { name: /^Open the job: Giving back/ }).getAttribute('href'), '#/jobs/job-1');
  });
  const fresh = { ...emptySite(), warnings: site.warnings.slice(0, 1) };
  await withConsole({ site: fresh }, async (page) => {
    assert.deepEqual(await concernsOf(page), ['The share\u2019s file server does not run']);
    await page.getByRole('heading', { name: 'Four steps to the first backup' }).waitFor();
  });
});

test('overview: more things than a few are folded, and unfold where they stand', async () => {
  const site = quietSite();
  site.warnings = Array.from({ length: 8 }, (_, index) => makeWarning(`new.${index}`, 'warning', `thing ${index}`));
  await withConsole({ site }, async (page) => {
    assert.equal((await concernsOf(page)).length, 6);
    await page.getByRole('button', { name: 'and 2 more' }).click();
    assert.equal((await concernsOf(page)).length, 8);
  });
});
