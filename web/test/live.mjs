// A person with the console and the real daemon, from the one-time link to the restored disk. Run by tests/e2e/console.py,
// which names in SCENE a file with addresses and secrets. OUT names a folder for pictures.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { chromium } from 'playwright-core';
import { checkContract, checkForgery, checkStrangers, faultsOfAnswer, firstEventOf, send } from './live_api.mjs';
import { askWhatIf, downloadDisk, findByName, glance, restoreBeside, setSpeed } from './live_journeys.mjs';
import { checkLook, inAllWindows, kWide, settled, until } from './look.mjs';

const kPatienceMs = 60_000;
const kRefusedKept = /Failed to load resource/;
const scene = JSON.parse(readFileSync(process.env.SCENE, 'utf8'));
const kNetwork = { origin: scene.origin };
const kUser = 'ada';
const kPassword = 'correct horse battery staple';
const kLocal = { socket: scene.socket };
const complaints = [];

function simulator(...words) {
  return execFileSync(scene.simulator[0], [...scene.simulator.slice(1), ...words], { encoding: 'utf8' });
}

/// Watches a page: nothing may go wrong behind its back, and every answer must be as the document says.
function watch(page) {
  page.setDefaultTimeout(kPatienceMs);
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !kRefusedKept.test(message.text())) complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(scene.origin)) complaints.push(`a request to elsewhere: ${request.url()}`);
  });
  page.on('requestfinished', async (request) => {
    if (new URL(request.url()).pathname === '/api/v1/events') return;
    const response = await request.response();
    // The body of an answer that came as the page went away cannot be read any more.
    const text = await response.text().catch(() => null);
    if (text === null) return;
    const wrong = faultsOfAnswer(request.method(), request.url(), response.status(), text);
    if (wrong) complaints.push(`${request.method()} ${request.url()}: ${wrong}\n${text.slice(0, 500)}`);
  });
  return page;
}

async function open(page, address) {
  await page.goto(`${scene.origin}/${address}`);
  await settled(page);
}

const heading = (page, name) => page.getByRole('heading', { level: 1, name }).waitFor();
const click = (page, name) => page.getByRole('button', { name }).click();
const cell = (page, name) => page.getByRole('cell', { name });

async function jobEnds(page, state) {
  await page.locator('.summary .badge').getByText(state, { exact: true }).waitFor();
  return page.url().split('/').pop();
}

async function logIn(page) {
  await page.goto(scene.link);
  await heading(page, 'Set up the appliance');
  assert.ok(!page.url().includes('token'));
  await page.getByLabel('User').fill(kUser);
  await page.getByLabel('New password').fill(kPassword);
  await page.getByLabel('Once more').fill(kPassword);
  await click(page, 'Make the administrator');
  await heading(page, 'Overview');
  await settled(page);
}

async function linkWorksOnce(browser) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = watch(await context.newPage());
  await page.goto(scene.link);
  await heading(page, 'Log in');
  await page.getByText('this link is unknown, was already used, or is too old').waitFor();
  await page.getByText('entrepot user link on the appliance makes a new one').waitFor();
  await context.close();
}

/// A user is invited, chooses a password, logs in with it, and is signed out by the administrator; the log tells it all.
async function inviteAndAudit(browser, page) {
  await open(page, '#/access');
  await click(page, 'Add a user');
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('User').fill('bob');
  await dialog.getByRole('button', { name: 'Add a user' }).click();
  const link = await page.locator('.notice code').textContent();
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const guest = watch(await context.newPage());
  await guest.goto(link);
  await heading(guest, 'Choose a password, bob');
  await guest.getByLabel('New password').fill(kPassword);
  await guest.getByLabel('Once more').fill(kPassword);
  await click(guest, 'Take this password');
  await heading(guest, 'Overview');
  await click(guest, 'Log out');
  await heading(guest, 'Log in');
  await guest.getByLabel('User').fill('bob');
  await guest.getByLabel('Password').fill(kPassword);
  await click(guest, 'Log in');
  await heading(guest, 'Overview');
  await open(page, '#/audit');
  await open(page, '#/access');
  await click(page, /^End the session of bob/);
  await page.getByRole('button', { name: /^End the session of bob/ }).waitFor({ state: 'detached' });
  // The console may have heard of it already, and have taken its links away.
  await guest.evaluate(() => void (location.hash = '#/policies'));
  await heading(guest, 'Log in');
  await context.close();
  await open(page, '#/audit');
  await click(page, 'Check the log');
  await page.getByText(/^All \d+ entries are what was written\.$/).waitFor();
  for (const action of ['redeemLink', 'createSession', 'endSession', 'addUser', 'downloadDiskImage', 'startVmRestore', 'changeSettings', 'downloadGuestArchive'])
    await page.getByText(action, { exact: true }).first().waitFor();
}

async function setUp(page) {
  await page.getByRole('heading', { name: 'Four steps to the first backup' }).waitFor();
  await page.getByRole('link', { name: /^Go: Add the share/ }).click();
  await heading(page, 'Hosts');
  await click(page, 'Add a share');
  await page.getByLabel('The appliance serves it itself').setChecked(false);
  await page.getByLabel('UNC path for hosts').fill(scene.share.unc);
  await page.getByLabel('Folder on the appliance').fill(scene.share.path);
  await click(page, 'Add the share');
  await cell(page, scene.share.unc).waitFor();
  await click(page, 'Add a host');
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('hv01');
  await dialog.getByLabel('Address').fill(scene.host.url);
  await dialog.getByRole('combobox', { name: 'Login' }).selectOption('ntlm');
  await dialog.getByLabel('User').fill(scene.host.user);
  await dialog.getByLabel('Password').fill(scene.host.password);
  await dialog.getByRole('combobox', { name: 'Certificate' }).selectOption('pin');
  await dialog.getByLabel('SHA-256 of the certificate, hex').fill(scene.host.pin.toUpperCase().match(/../g).join(':'));
  await dialog.getByRole('button', { name: 'Add the host' }).click();
  await heading(page, 'hv01');
  // The doctor comes first, by itself.
  const summary = await page.getByText(/^(Nothing failed|\d+ failed), /).textContent();
  if (!summary.startsWith('Nothing failed')) await click(page, 'Ask now');
  for (const name of ['web01', 'files01', 'db01']) await page.getByRole('link', { name }).waitFor();
  await page.getByText('Windows Server').first().waitFor();
}

/// The doctor looks at every layer; what only a full backup shows it says so.
async function examine(page) {
  await open(page, '#/hosts/hv01');
  await click(page, 'Examine again');
  await page.getByText('Looking at the host, layer by layer').waitFor();
  await page.getByRole('button', { name: 'Examine again' }).waitFor();
  await page.getByText(/^(Nothing failed|\d+ failed), /).waitFor();
  await page.getByText('The host accepts the account.').waitFor({ state: 'attached' });
  await page.getByText('only a first full shows').waitFor();
}

/// "Back up now" on the list; its page must show bytes move before it shows the end. Returns the job's id.
async function backUp(page, name) {
  await open(page, '#/vms');
  await click(page, `Back up ${name}`);
  await click(page, 'Start the backup');
  await page.getByRole('heading', { level: 1, name: `Backup: ${name} on hv01` }).waitFor();
  return page.url().split('/').pop();
}

async function backUpWithProgress(page, headers) {
  const id = await backUp(page, 'db01');
  const told = await firstEventOf(kNetwork, headers, id);
  assert.equal(told.id, id);
  await until(page, () => (document.querySelector('progress')?.value ?? 0) > 0 && document.querySelector('progress').max > 1);
  await jobEnds(page, 'done');
  await page.getByText('full: ').first().waitFor();
  await page.getByRole('link', { name: 'Open the recovery point' }).click();
  await heading(page, /^db01, /);
}

async function keepPoint(page) {
  await open(page, '#/vms');
  await page.getByRole('link', { name: 'db01' }).click();
  await heading(page, 'db01');
  await page.getByText('on hv01').waitFor();
  await page.getByRole('table', { name: 'Disks' }).getByRole('cell', { name: '64.0 MiB' }).waitFor();
  await page.locator('button.fold').first().click();
  await click(page, 'Hold …');
  await page.getByLabel('Reason').fill('audit of the year');
  await click(page, 'Hold it');
  await page.getByText('on hold: audit of the year').first().waitFor();
  await click(page, 'Delete …');
  await click(page, 'Delete it');
  await page.getByRole('dialog').getByRole('alert').waitFor();
  await page.keyboard.press('Escape');
  await click(page, 'Release the hold');
  await page.getByText('on hold: audit of the year').first().waitFor({ state: 'detached' });
  await click(page, 'Protect …');
  await click(page, 'Protect it');
  await page.getByText(/^protected until /).first().waitFor();
}

async function restore(page) {
  await open(page, '#/restore');
  await page.getByRole('link', { name: 'files01' }).click();
  await page.getByRole('heading', { name: /Which moment/ }).waitFor();
  await page.getByRole('cell').getByRole('link').first().click();
  await page.getByRole('link', { name: /^A disk/ }).click();
  await page.getByRole('radio').nth(1).check();
  await page.getByLabel('A file on the appliance').check();
  await page.getByLabel('Format').selectOption('raw');
  await page.getByLabel('Write to').fill('/etc/files01.img');
  await click(page, 'Check');
  await page.getByText('over the network disks are restored into').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Restore the disk' }).isDisabled(), true);
  await page.getByLabel('Write to').fill(scene.target);
  await click(page, 'Check');
  await page.getByText(`It can start: ${scene.target}`).waitFor();
  await click(page, 'Restore the disk');
  await heading(page, /^Disk restore/);
  await jobEnds(page, 'done');
  await page.getByText(`Written to ${scene.target}`).waitFor();
}

/// From the machine's page to a document of its guest, which must be what was put in.
async function downloadFile(page) {
  await open(page, '#/vms');
  await page.getByRole('link', { name: 'files01' }).click();
  await page.getByRole('link', { name: 'Browse files' }).first().click();
  await page.getByRole('heading', { name: /Which moment/ }).waitFor();
  await page.getByRole('cell').getByRole('link').first().click();
  await page.getByRole('link', { name: /^Disk 0/ }).click();
  await page.getByRole('link', { name: 'Whole disk', exact: true }).click();
  await page.getByRole('link', { name: 'Jahr 2026' }).click();
  await heading(page, 'Jahr 2026');
  scene.folder = new URL(page.url()).hash;
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: `Download: ${basename(scene.document)}` }).click();
  const file = await download;
  assert.equal(file.suggestedFilename(), basename(scene.document));
  assert.ok(readFileSync(await file.path()).equals(readFileSync(scene.document)), 'the document differs');
}

/// The host refuses the snapshot: the page names step, cause and cure; after the fault is gone, "Try again" works.
async function failAndRetry(page) {
  simulator('fault', 'add', 'CreateSnapshot', 'return:32775', '50');
  await backUp(page, 'web01');
  const failed = await jobEnds(page, 'failed');
  await page.getByText('Failed in the step "Snapshot of the machine"').waitFor();
  await page.getByText('Already done: Plan').waitFor();
  await page.getByText('What to do:').waitFor();
  await page.getByText("32775 (not possible in the object's state)").first().waitFor();
  simulator('fault', 'clear');
  await open(page, '#/');
  await page.getByText(/Backup failed: web01/).waitFor();
  await page.getByRole('link', { name: 'Open the job: Backup failed: web01' }).click();
  await click(page, 'Try again');
  await until(page, (id) => !location.hash.includes(id), failed);
  await jobEnds(page, 'done');
  return failed;
}

/// Run now: a backup of each machine, then its prune.
async function runPolicy(page) {
  await open(page, '#/policies');
  await click(page, 'Add a policy');
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('nightly');
  await dialog.getByLabel('When').fill('nonsense');
  await dialog.locator('.preview.bad-text').waitFor();
  await dialog.getByRole('button', { name: 'Nightly' }).click();
  await dialog.getByText(/^Next runs/).waitFor();
  assert.equal(await dialog.locator('.preview li').count(), 5);
  await dialog.getByText('Matches now: ').waitFor();
  await dialog.getByRole('button', { name: 'Add the policy' }).click();
  await cell(page, 'nightly').first().waitFor();
  await click(page, 'Run now: nightly');
  await page.getByText('3 jobs started').waitFor();
  await page.getByRole('link', { name: 'Show the jobs' }).click();
  await heading(page, 'Jobs');
  await until(page, () => {
    const rows = [...document.querySelectorAll('tbody tr')].map((row) => row.textContent);
    const done = (kind) => rows.filter((row) => row.includes(kind) && row.includes('nightly') && row.includes('done')).length;
    return done('Backup') === 3 && done('Prune') === 3;
  });
}

async function verify(page) {
  await open(page, '#/repository');
  await page.getByLabel('How deep').selectOption('data');
  await click(page, 'Verify everything');
  await heading(page, /^Verification/);
  await jobEnds(page, 'done');
  await page.getByText('No damage was found.').waitFor();
}

async function samplesOf(headers) {
  const read = async (path) => JSON.parse((await send(kNetwork, 'GET', `/api/v1${path}`, { headers })).body);
  const points = (await read('/points')).points;
  const jobs = (await read('/jobs?limit=100')).jobs;
  const vms = (await read('/vms')).vms;
  assert.deepEqual(new Set(points.map((point) => point.vm.host)), new Set(['hv01']));
  assert.deepEqual(new Set(points.map((point) => point.vm.host_id)), new Set(vms.map((vm) => vm.host_id)));
  assert.equal((await read('/points?host=hv01')).points.length, points.length);
  assert.equal((await read('/points?host=')).points.length, 0);
  const guest = scene.folder.split('/').slice(2, 5);
  const document = { path: `/Jahr 2026/${basename(scene.document)}` };
  return {
    '/points/{id}/disks/{disk}/image': [[...guest.slice(0, 2), { format: 'qcow2' }]],
    '/points/{id}/disks/{disk}/volumes': [guest.slice(0, 2)],
    '/points/{id}/disks/{disk}/volumes/{volume}/files': [guest, [...guest, { path: '/Jahr 2026', limit: 1 }]],
    '/points/{id}/disks/{disk}/volumes/{volume}/file': [[...guest, document]],
    '/points/{id}/disks/{disk}/volumes/{volume}/content': [[...guest, document]],
    '/points/{id}/disks/{disk}/volumes/{volume}/archive': ['tar', 'zip'].map((format) => [...guest, { path: '/Jahr 2026', format }]),
    '/points/{id}/disks/{disk}/volumes/{volume}/versions': [[...guest, document]],
    '/files/search': [{ name: 'a' }, { name: '*', vm: 'db01', limit: 2 }],
    '/hosts/{name}': ['hv01'],
    '/hosts/{name}/vms': ['hv01'],
    '/hosts/{name}/vms/{vm}': vms.map((vm) => ['hv01', vm.id]),
    '/hosts/{name}/doctor': ['hv01'],
    '/points/{id}': points.map((point) => point.id),
    '/policies/{name}': ['nightly'],
    '/jobs/{id}': jobs.map((job) => job.id),
    '/users/{name}': [kUser],
  };
}

/// Every page, wide and narrow, light and dark.
async function lookAtAll(context, browser, samples, failed) {
  const looking = await browser.newContext({
    ignoreHTTPSErrors: true,
    bypassCSP: true,
    reducedMotion: 'reduce',
    storageState: await context.storageState(),
  });
  const page = watch(await looking.newPage());
  const jobs = samples['/jobs/{id}'];
  const vm = await (async () => {
    await open(page, '#/vms');
    return page.getByRole('link', { name: 'files01' }).getAttribute('href');
  })();
  const pages = {
    overview: '#/',
    hosts: '#/hosts',
    host: '#/hosts/hv01',
    vms: '#/vms',
    vm,
    point: `#/points/${samples['/points/{id}'][0]}`,
    restore: '#/restore',
    restore_moment: vm.replace(/#\/vms\/([^?]+)\?/, '#/restore?vm=$1&'),
    restore_target: `#/restore/${samples['/points/{id}'][0]}`,
    restore_vm: `#/restore-vm/${samples['/points/{id}'][0]}`,
    files_disks: `${scene.folder.split('/').slice(0, 3).join('/')}`,
    files_partitions: `${scene.folder.split('/').slice(0, 4).join('/')}`,
    files_folder: scene.folder,
    files_search: `#/files?name=${encodeURIComponent(scene.part)}`,
    files_versions: scene.versions,
    settings: '#/settings',
    jobs: '#/jobs',
    job_done: `#/jobs/${jobs[0]}`,
    job_failed: `#/jobs/${failed}`,
    policies: '#/policies',
    repository: '#/repository',
    access: '#/access',
    audit: '#/audit',
  };
  for (const [name, address] of Object.entries(pages)) {
    await open(page, address);
    await inAllWindows(page, (window) => checkLook(page, `live-${name}-${window}`));
  }
  await looking.close();
}

async function walk(browser) {
  await checkStrangers(kNetwork);
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: kWide, reducedMotion: 'reduce' });
  const page = watch(await context.newPage());
  const step = async (name, action) => {
    const begin = Date.now();
    const result = await action().catch((error) => {
      throw new Error(`${name}: ${error.stack}`);
    });
    console.log(`${name}: ${((Date.now() - begin) / 1000).toFixed(1)} s`);
    return result;
  };
  await step('log in', () => logIn(page));
  await step('the link a second time', () => linkWorksOnce(browser));
  const cookies = await context.cookies();
  const headers = { Cookie: cookies.map(({ name, value }) => `${name}=${value}`).join('; ') };
  const session = JSON.parse((await send(kNetwork, 'GET', '/api/v1/session', { headers })).body);
  await step('forged requests', () => checkForgery(kNetwork, headers.Cookie, session.csrf));
  await step('share and host', () => setUp(page));
  await step('doctor', () => examine(page));
  await step('back up now', () => backUpWithProgress(page, headers));
  await step('hold and protect', () => keepPoint(page));
  await step('failure and retry', async () => (scene.failed = await failAndRetry(page)));
  await step('policy', () => runPolicy(page));
  await step('restore', () => restore(page));
  await step('disk as a download', () => downloadDisk(page, scene));
  await step('file of a guest', () => downloadFile(page));
  await step('file by its name', () => findByName(page, scene));
  await step('settings', () => setSpeed(page, scene, headers));
  await step('machine beside the original', () => restoreBeside(page, scene));
  await step('what a rule would keep', () => askWhatIf(page, scene, headers, session.csrf));
  await step('verify', () => verify(page));
  await step('users and audit', () => inviteAndAudit(browser, page));
  await step('daily glance', () => glance(page, scene));
  const samples = await samplesOf(headers);
  await step('contract', () => checkContract(kNetwork, headers, samples));
  await step('contract, local socket', () => checkContract(kLocal, {}, samples));
  await step('looks', () => lookAtAll(context, browser, samples, scene.failed));
  await step('log out', async () => {
    await click(page, 'Log out');
    await heading(page, 'Log in');
    const after = await send(kNetwork, 'GET', '/api/v1/session', { headers });
    assert.equal(after.status, 401, 'the session ended with the log-out');
  });
  assert.deepEqual(complaints, []);
}

if (process.env.OUT) mkdirSync(process.env.OUT, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
});
try {
  await walk(browser);
} finally {
  await browser.close();
}
