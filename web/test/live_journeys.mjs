// What people come to the console for, against the real daemon: a morning's glance, a machine beside the old one, a disk as a
// download, and what a rule would keep.
import assert from 'node:assert/strict';
import { send } from './live_api.mjs';
import { settled, until } from './look.mjs';

const kSpeed = 'repository.ingest_mib_per_second';

const kBase = '/api/v1';

async function open(page, scene, address) {
  await page.goto(`${scene.origin}/${address}`);
  await settled(page);
}

async function openMachine(page, scene, name) {
  await open(page, scene, '#/vms');
  await page.getByRole('link', { name, exact: true }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
}

async function openNewestMoment(page, scene, name) {
  await openMachine(page, scene, name);
  await page.locator('main').getByRole('link', { name: 'Restore', exact: true }).click();
  await page.getByRole('heading', { name: /Which moment/ }).waitFor();
  await page.getByRole('cell').getByRole('link').first().click();
}

/// Saved where the scene says: the caller compares it with what the host exported.
export async function downloadDisk(page, scene) {
  await openNewestMoment(page, scene, 'files01');
  await page.getByRole('link', { name: /^A disk/ }).click();
  await page.getByLabel('Format').selectOption('raw');
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download the disk' }).click();
  const file = await download;
  assert.match(file.suggestedFilename(), /^files01-\d{4}-\d\d-\d\d-disk0\.img$/);
  await file.saveAs(scene.downloaded);
}

/// From a name that a person remembers a part of: indexed if it is not yet, found, in which points, downloaded; and its folder
/// with the browser's help as an archive. Both are saved where the scene says.
export async function findByName(page, scene) {
  await open(page, scene, '#/files');
  await page.getByLabel('Name of the file').fill(scene.part);
  await page.getByLabel('In', { exact: true }).selectOption({ label: 'files01 on hv01' });
  await page.getByRole('button', { name: 'Search', exact: true }).click();
  await page.getByText(/^(No file of that name was found\.|\d+ found)$/).waitFor();
  const list = page.getByRole('button', { name: /^(Show them, and index now|What can be searched)$/ });
  await list.click();
  await page.getByLabel('Show', { exact: true }).selectOption('all');
  const indexes = page.getByRole('table', { name: 'What can be searched' }).locator('tbody tr');
  await indexes.first().waitFor();
  for (let row = 0; row < (await indexes.count()); ++row) {
    const now = indexes.nth(row).getByRole('button', { name: /^Index now/ });
    if ((await now.count()) > 0) await now.click();
  }
  await until(page, () => {
    const rows = [...document.querySelector('table[aria-label="What can be searched"]').querySelectorAll('tbody tr')];
    return rows.every((row) => row.querySelector('.badge')?.textContent === 'indexed');
  });
  // The appliance may have made an index by itself meanwhile.
  await page.getByRole('button', { name: 'Search', exact: true }).click();
  const found = page.getByRole('table', { name: 'Files found' }).locator('tbody tr');
  await found.filter({ hasText: scene.name }).waitFor();
  const download = page.waitForEvent('download');
  await found.getByRole('link', { name: `Download: ${scene.name}` }).click();
  await (await download).saveAs(scene.found);
  await found.getByRole('link', { name: `Versions: ${scene.name}` }).click();
  await page.getByRole('heading', { level: 1, name: `Versions of ${scene.name}` }).waitFor();
  await page.getByText(/^\d+ points? (was|were) looked into$/).waitFor();
  await page.getByText('the oldest').waitFor();
  scene.versions = new URL(page.url()).hash;
  await page.getByRole('navigation', { name: 'Place' }).getByRole('link', { name: 'Jahr 2026' }).click();
  await page.getByLabel(`Choose ${scene.name}`).check();
  const archive = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download as zip: 1 chosen' }).click();
  await (await archive).saveAs(scene.archive);
}

/// A speed is set and holds, also by what a script reads; then it is as configured again.
export async function setSpeed(page, scene, headers) {
  const read = async () => {
    const answer = await send(scene, 'GET', `${kBase}/settings`, { headers });
    return JSON.parse(answer.body).settings.find(({ name }) => name === kSpeed);
  };
  await open(page, scene, '#/settings');
  await page.getByLabel('Backups read, MiB a second').fill('4000');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved. It holds already').waitFor();
  assert.deepEqual([(await read()).value, (await read()).source], ['4000', 'state']);
  await page.getByRole('button', { name: /^As configured again/ }).click();
  await page.getByRole('button', { name: /^As configured again/ }).waitFor({ state: 'detached' });
  assert.deepEqual([(await read()).value, (await read()).source], ['0', 'default']);
  const row = (name) => page.getByRole('row').filter({ has: page.getByText(name, { exact: true }) });
  await row('restore.directory').getByText('file', { exact: true }).waitFor();
  await row('server.listen').getByText('command line').waitFor();
}

/// The button is live only after a check has found nothing in the way.
export async function restoreBeside(page, scene) {
  await openNewestMoment(page, scene, 'web01');
  await page.getByRole('heading', { name: 'Restore a machine' }).waitFor();
  const start = page.getByRole('button', { name: 'Restore the machine' });
  assert.equal(await start.isDisabled(), true);
  await page.getByLabel('The original, which is gone').check();
  await page.getByRole('button', { name: 'Check' }).click();
  await page.getByText('is still on host hv01').first().waitFor();
  assert.equal(await start.isDisabled(), true);
  await page.getByLabel('A copy beside the original').check();
  await page.getByLabel('New name').fill(scene.copy);
  await page.getByRole('button', { name: 'Check' }).click();
  await page.getByText('It can start').waitFor();
  await start.click();
  await page.getByRole('heading', { name: /^Machine restore/ }).waitFor();
  await page.locator('.summary .badge').getByText('done', { exact: true }).waitFor();
  await page.getByText(`\u201c${scene.copy}\u201d is on hv01`).waitFor();
  assert.ok((await page.locator('.stages .done').count()) >= 3, 'the steps that it went through');
}

/// What the page marks is what a trial run of prune would remove.
export async function askWhatIf(page, scene, headers, csrf) {
  await openMachine(page, scene, 'web01');
  await page.getByRole('button', { name: 'What would a rule keep?' }).click();
  await page.getByRole('row').filter({ hasText: 'As now: nightly' }).waitFor();
  await page.getByLabel('last', { exact: true }).fill('1');
  for (const name of ['daily', 'weekly', 'monthly']) await page.getByLabel(name, { exact: true }).fill('0');
  const marked = page.getByRole('table', { name: 'Recovery points' }).getByText('removes', { exact: true });
  await marked.first().waitFor();
  const vm = new URL(page.url()).hash.split('/').pop().split('?')[0];
  const body = { vm, rule: { keep_last: 1 }, dry_run: true };
  const answer = await send(scene, 'POST', `${kBase}/prunes`, { headers: { ...headers, 'X-Entrepot-CSRF': csrf }, body });
  assert.equal(answer.status, 202, answer.body);
  const { id } = JSON.parse(answer.body).job;
  const read = async () => JSON.parse((await send(scene, 'GET', `${kBase}/jobs/${id}`, { headers })).body);
  let job = await read();
  for (let turn = 0; turn < 600 && !job.ended; ++turn) {
    await page.waitForTimeout(50);
    job = await read();
  }
  assert.equal(job.state, 'done');
  assert.ok(job.result.removed.length > 0, 'the trial removes something');
  assert.equal(await marked.count(), job.result.removed.length);
  await page.getByRole('button', { name: 'Close what-if' }).click();
  await marked.first().waitFor({ state: 'detached' });
}

/// All is well: one sentence, the week, the last restore, and that nobody knows yet when the space runs out.
export async function glance(page, scene) {
  await open(page, scene, '#/');
  await page.getByRole('heading', { name: /^All \d+ virtual machines are protected$/ }).waitFor();
  assert.equal(await page.locator('.concerns').count(), 0);
  await page.getByText(/^\d{4}-\d\d-\d\d: [1-9]\d* done, [1-9]\d* failed$/).first().waitFor({ state: 'attached' });
  await page.getByText('a forecast needs 3 days of record').waitFor();
  const proof = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Proof' }) });
  await proof.getByRole('link', { name: 'web01' }).waitFor();
  await open(page, scene, '#/jobs');
  await until(page, () => document.querySelectorAll('.history li').length === 14);
}
