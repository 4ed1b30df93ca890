// What jobs tell: the steps one goes through while it runs, how runs compare, and how the last days went.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withConsole } from './browser.mjs';
import { ago } from './builders.mjs';
import { emptySite, longSite, ordinarySite } from './fixtures.mjs';
import { until } from './look.mjs';

test('job: its steps come one by one, the one that runs with bytes, and end with their times', async () => {
  await withConsole({ site: ordinarySite(), address: '#/jobs/job-3' }, async (page, appliance) => {
    const current = page.locator('li[aria-current="step"]');
    await current.getByText('Take in').first().waitFor();
    await current.getByText(/9\.2 GiB of 41\.0 GiB/).waitFor();
    assert.equal(await page.locator('.stages .done').count(), 2);
    const job = appliance.site.jobs.find(({ id }) => id === 'job-3');
    job.events.push({ time: ago(0), level: 'stage', text: 'commit' });
    appliance.update('job-3', { state: 'done', stage: 'commit', ended: ago(0) });
    await until(page, () => document.querySelectorAll('.stages .done').length === 4);
    assert.equal(await current.count(), 0);
  });
});

test('runs: a bar for each run of the machine leads to its job, the shown one is marked', async () => {
  await withConsole({ site: ordinarySite(), address: '#/jobs/job-1' }, async (page, appliance) => {
    const bars = page.locator('.runs a');
    await bars.first().waitFor();
    const runs = appliance.site.jobs.filter((job) => job.kind === 'backup' && job.subject === 'web01 on hv01');
    assert.equal(await bars.count(), runs.length);
    assert.equal(await page.locator('.runs a[aria-current]').getAttribute('href'), '#/jobs/job-1');
    const failed = runs.find((job) => job.state === 'failed');
    await page.locator(`.runs a[href="#/jobs/${failed.id}"]`).click();
    await page.getByText('Failed in the step "Snapshot of the machine"').waitFor();
  });
});

test('job: sent again after an answer that was lost, a request has the same key', async () => {
  await withConsole({ site: ordinarySite(), address: '#/jobs/job-2', expectsRefusals: true }, async (page, appliance) => {
    let isFirst = true;
    await page.route('**/api/v1/jobs/*/retry', async (route) => {
      if (!isFirst) return route.continue();
      isFirst = false;
      await route.fetch();
      return route.abort('connectionreset');
    });
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('Waiting for its turn').waitFor();
    const keys = appliance.requests.filter(({ name }) => name === 'retryJob').map(({ key }) => key);
    assert.equal(keys.length, 2);
    assert.match(keys[0], /^[0-9a-f-]{36}$/);
    assert.equal(keys[1], keys[0]);
  });
});

test('job: one who restores machines repeats such a job, and no backup', async () => {
  const site = ordinarySite();
  const failed = site.jobs.find(({ id }) => id === 'job-2');
  site.jobs.push({ ...failed, id: 'job-failed-restore', kind: 'restore_vm', subject: 'web01 to hv02' });
  site.jobs.push({ ...failed, id: 'job-restoring', kind: 'restore_vm', state: 'running', ended: null, error: null });
  await withConsole({ site, privilege: 'restore-operator', address: '#/jobs/job-2' }, async (page, appliance) => {
    await page.getByText('Failed in the step').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Try again' }).count(), 0);
    await page.goto(`${appliance.origin}/#/jobs/job-restoring`);
    await page.getByRole('button', { name: 'Cancel' }).waitFor();
    await page.goto(`${appliance.origin}/#/jobs/job-failed-restore`);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('Waiting for its turn').waitFor();
  });
});

test('jobs: the last two weeks as bars, of the kind that is chosen; nothing where nothing ran', async () => {
  await withConsole({ site: longSite(), address: '#/jobs' }, async (page, appliance) => {
    const history = page.getByRole('group', { name: 'Jobs of the last two weeks' });
    await history.getByText(/: \d+ done, \d+ failed$/).last().waitFor({ state: 'attached' });
    assert.equal(await history.getByRole('listitem').count(), 14);
    await page.getByLabel('Kind').selectOption('verify');
    await history.waitFor({ state: 'detached' });
    assert.equal(appliance.requests.findLast((request) => request.name === 'getJobHistory').query.kind, 'verify');
  });
  await withConsole({ site: emptySite(), address: '#/jobs' }, async (page) => {
    assert.equal(await page.locator('.history').count(), 0);
  });
});

test('jobs: older ones are reached beyond the size of a page', async () => {
  const site = longSite();
  const wanted = site.jobs[800];
  await withConsole({ site, address: '#/jobs' }, async (page) => {
    const rows = page.getByRole('table', { name: 'Jobs' });
    await rows.waitFor();
    for (let turn = 0; turn < 2; ++turn) await page.getByRole('button', { name: 'Show older jobs' }).click();
    for (let turn = 0; turn < 4; ++turn) await page.getByRole('button', { name: /^Show \d+ more$/ }).first().click();
    await rows.getByText(wanted.subject, { exact: true }).waitFor();
  });
});

test('audit: older entries are read on, page by page', async () => {
  const site = ordinarySite();
  site.audit = Array.from({ length: 150 }, (_, index) => ({ ...site.audit[0], number: 150 - index, action: `action${150 - index}` }));
  await withConsole({ site, address: '#/audit' }, async (page) => {
    await page.getByText('action51', { exact: true }).waitFor();
    assert.equal(await page.getByText('action50', { exact: true }).count(), 0);
    await page.getByRole('button', { name: 'Load more' }).click();
    await page.getByText('action1', { exact: true }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Load more' }).count(), 0);
  });
});
