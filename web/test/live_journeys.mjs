// What people come to the console for, against the real daemon: a morning's glance, a machine beside the old one, a disk as a
// download, and what a rule would keep.
import assert from 'node:assert/strict';
import { send } from './live_api.mjs';
import { settled, until } from './look.mjs';

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
