// From a name to the file: found across points, its versions, folders as archives, and what cannot be searched yet.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { withConsole } from './browser.mjs';
import { emptySite, longSite, ordinarySite } from './fixtures.mjs';
import { kMarkup } from './guest_files.mjs';
import { finishIndex, kManyReports } from './guest_search.mjs';
import { checkLook, inAllWindows, loadMore, until } from './look.mjs';

const site = ordinarySite();
const kPlace = `#/files/${site.points[0].id}/0/2`;
const results = (page) => page.getByRole('table', { name: 'Files found' }).locator('tbody tr');
const asked = (appliance, name) => appliance.requests.filter((request) => request.name === name).map(({ query }) => query);

async function contentOf(download) {
  return readFileSync(await (await download).path(), 'utf8');
}

test('search: from a name to the file by keyboard, and its address is the search', async () => {
  await withConsole({ site: ordinarySite(), address: '#/files' }, async (page, appliance) => {
    await page.getByLabel('Name of the file').focus();
    await page.keyboard.type('BUDGET 2026');
    await page.keyboard.press('Enter');
    const row = results(page).filter({ hasText: 'web01' });
    await row.getByText('47.1 KiB').waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.tagName), 'INPUT', 'the question keeps the focus');
    assert.deepEqual(asked(appliance, 'searchGuestFiles')[0], { name: 'BUDGET 2026', limit: 100 });
    await page.reload();
    await row.waitFor();
    assert.equal(await page.getByLabel('Name of the file').inputValue(), 'BUDGET 2026');
    const download = page.waitForEvent('download');
    await row.getByRole('link', { name: 'Download: budget 2026.xlsx' }).focus();
    await page.keyboard.press('Enter');
    assert.equal(await contentOf(download), 'content of /Users/anna/Documents/budget 2026.xlsx');
    await row.getByRole('link', { name: '/Users/anna/Documents' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Documents' }).waitFor();
  });
});

test('search: in one machine, in one point, and with a pattern', async () => {
  await withConsole({ site: ordinarySite(), address: '#/files' }, async (page, appliance) => {
    await page.getByLabel('Name of the file').fill('*.xlsx');
    await page.getByLabel('In', { exact: true }).selectOption({ label: 'files01 on hv01' });
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await until(page, () => document.querySelectorAll('tbody tr').length === 1);
    const files01 = site.vms[1];
    assert.deepEqual(asked(appliance, 'searchGuestFiles').pop(), { name: '*.xlsx', vm: files01.id, host: 'hv01', limit: 100 });
    assert.equal(await page.getByLabel('In', { exact: true }).evaluate((select) => select.selectedOptions[0].label), 'files01 on hv01');

    await page.goto(`${appliance.origin}/#/files/${site.points[0].id}`);
    await page.getByLabel('Name of the file').fill('report-001');
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await results(page).getByText('report-001.log', { exact: true }).waitFor();
    assert.deepEqual(asked(appliance, 'searchGuestFiles').pop(), { name: 'report-001', point: site.points[0].id, limit: 100 });
    await page.getByText('1 found', { exact: true }).waitFor();
  });
});

test('search: pages without a file are read over, and the same file on two pages is one row', async () => {
  const own = ordinarySite();
  own.indexed = new Set(own.points.map((point) => point.id));
  own.splitsFound = true;
  own.emptyPages = 3;
  await withConsole({ site: own, address: `#/files?name=budget%202026&vm=${own.vms[0].id}` }, async (page, appliance) => {
    // Three sizes of twelve points are three files.
    await page.getByText('3 found', { exact: true }).waitFor();
    assert.equal(asked(appliance, 'searchGuestFiles').length, 4);
    await results(page).first().getByText(/^and in 2 more, back to /).waitFor();
    assert.equal(await page.getByText('not looked through').count(), 0);
  });
});

test('search: many come by pages; a page that fails leaves what was read', async () => {
  await withConsole({ site: ordinarySite(), address: `#/files?name=report-&vm=${site.vms[0].id}`, expectsRefusals: true }, async (page, appliance) => {
    await page.getByText('100 found so far').waitFor();
    await page.getByRole('button', { name: 'Load more' }).click();
    await page.getByText('200 found so far').waitFor();
    await page.getByRole('button', { name: 'Load more' }).click();
    await page.getByText(`${kManyReports} found`, { exact: true }).waitFor();
    assert.equal(await results(page).count(), kManyReports);
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'status');
    await page.goto(`${appliance.origin}/#/files?name=broken`);
    await page.getByRole('alert').getByText('the index of a point is damaged').waitFor();
    await page.getByRole('button', { name: 'Try again' }).waitFor();
  });
});

test('search: names are text, and what finds nothing says where it looked', async () => {
  await withConsole({ site: ordinarySite(), address: '#/files?name=img' }, async (page, appliance) => {
    await page.getByText(kMarkup, { exact: true }).first().waitFor();
    assert.equal(await page.evaluate(() => document.querySelectorAll('main img, main b').length), 0);
    await page.goto(`${appliance.origin}/#/files?name=escape`);
    await page.getByText('\\x1b[2Jbudget of the escape.txt').first().waitFor();
    await page.goto(`${appliance.origin}/#/files?name=nowhere`);
    await page.getByText('No file of that name was found.').waitFor();
    await page.getByText('In the points that can be searched.').waitFor();
  });
});

test('index: what was not looked through is said, indexed now, followed live, and then found', async () => {
  await withConsole({ site: ordinarySite(), address: `#/files?name=budget%202026&vm=${site.vms[0].id}` }, async (page, appliance) => {
    await page.getByText('11 points were not looked through').waitFor();
    await page.getByText('1 found', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Show them, and index now' }).click();
    const rows = page.getByRole('table', { name: 'What can be searched' }).locator('tbody tr');
    await rows.first().waitFor();
    assert.equal(await rows.count(), 11);
    await rows.nth(3).getByRole('button', { name: /^Index now: web01/ }).click();
    const job = appliance.site.jobs[0];
    assert.equal(job.kind, 'index_files');
    await rows.nth(3).getByText('Waiting for its turn').waitFor();
    appliance.update(job.id, { state: 'running', stage: 'index' });
    await rows.nth(3).getByText('Read the names of files').waitFor();
    finishIndex(appliance, job.id);
    await rows.nth(3).getByText('indexed', { exact: true }).waitFor();
    await page.getByText('10 points were not looked through').waitFor();
    await page.getByText('2 found', { exact: true }).waitFor();

    await rows.nth(5).getByRole('button', { name: /^Index now/ }).click();
    finishIndex(appliance, appliance.site.jobs[0].id, { state: 'failed', result: null, error: { code: 'corrupt', message: 'the point is damaged', hint: '', context: [] } });
    await rows.nth(5).getByText('The index could not be made: the point is damaged').waitFor();
    await rows.nth(5).getByRole('button', { name: /^Index now/ }).waitFor();

    await page.getByRole('button', { name: 'Index all 9 that are listed' }).click();
    await until(page, () => [...document.querySelectorAll('td')].filter((cell) => cell.textContent === 'Waiting for its turn').length === 9);
    assert.equal(appliance.requests.filter((request) => request.name === 'startFileIndex').length, 11);
    // What the appliance indexed by itself is found when the same is asked again.
    appliance.site.indexed = new Set(appliance.site.points.map((point) => point.id));
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await page.getByText('3 found', { exact: true }).waitFor();
    await page.getByLabel('Show', { exact: true }).selectOption('all');
    await page.getByText('12 points', { exact: true }).waitFor();
    await page.getByText('Not in it:').click();
    await page.getByText('it is encrypted by BitLocker').waitFor();
  });
});

test('index: its job is named in words, also after a restart of the page', async () => {
  await withConsole({ site: ordinarySite(), address: '#/jobs' }, async (page, appliance) => {
    const job = appliance.addJob({ kind: 'index_files', subject: 'file names of web01', parameters: { point: site.points[0].id } });
    finishIndex(appliance, job.id, { state: 'partly', result: { point: site.points[0].id, files: 184_233, notes: 2 } });
    await page.getByRole('cell', { name: 'Index of file names' }).waitFor();
    await page.goto(`${appliance.origin}/#/jobs/${job.id}`);
    await page.getByRole('heading', { level: 1, name: 'Index of file names: file names of web01' }).waitFor();
    await page.getByText('184,233 names').waitFor();
    await page.getByText('2 notes').waitFor();
  });
});

test('versions: each with the points that hold it, against the one before, and each to download', async () => {
  await withConsole({ site: ordinarySite(), address: `${kPlace}/Users/anna/Documents/budget%202026.xlsx?view=versions` }, async (page, appliance) => {
    const rows = page.getByRole('table', { name: 'Versions, newest first' }).locator('tbody tr');
    await rows.first().waitFor();
    await page.getByRole('heading', { level: 1, name: 'Versions of budget 2026.xlsx' }).waitFor();
    assert.equal(await rows.count(), 3);
    await rows.nth(0).getByText(/^the same in 3 points, back to /).waitFor();
    await rows.nth(0).getByText('changed, 313 B more').waitFor();
    await rows.nth(1).getByText('in this point only').waitFor();
    await rows.nth(2).getByText('the oldest').waitFor();
    await page.getByText('12 points were looked into', { exact: true }).waitFor();
    await page.getByText('1 point could not be looked into:').waitFor();
    await page.getByText('the table of partitions cannot be read').waitFor();
    await page.getByText('3 points have no such file').waitFor();
    // Out of the point that holds it, and by the disk's id: its number may be another there.
    const download = page.waitForEvent('download');
    await rows.nth(2).getByRole('link', { name: /^Download: budget 2026.xlsx of / }).click();
    assert.equal(await contentOf(download), 'content of /Users/anna/Documents/budget 2026.xlsx');
    const { path } = appliance.requests.find((request) => request.name === 'downloadGuestFile');
    assert.equal(path.id, site.points[5].id);
    assert.equal(path.disk, site.points[0].disks[0].id);
    await rows.nth(0).locator('button.fold').focus();
    await page.keyboard.press('Enter');
    assert.equal(await page.getByRole('link', { name: /^Its folder there/ }).count(), 3);
  });
});

test('versions: from a file in its folder; of what is in no point there is none', async () => {
  await withConsole({ site: ordinarySite(), address: `${kPlace}/odd` }, async (page) => {
    await page.getByRole('link', { name: `Versions: ${kMarkup}` }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: `Versions of ${kMarkup}` }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.tagName), 'H1');
    await page.getByRole('table', { name: 'Versions, newest first' }).waitFor();
    await page.goBack();
    await page.getByRole('link', { name: 'Versions: damaged.db' }).click();
    await page.getByText('The file is in none of the points that were looked into.').waitFor();
  });
});

test('archive: a folder, or what was chosen in it, in either format, by the browser itself', async () => {
  await withConsole({ site: ordinarySite(), address: `${kPlace}/odd` }, async (page, appliance) => {
    const whole = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download as zip: This folder' }).click();
    const file = await whole;
    assert.equal(file.suggestedFilename(), 'odd.zip');
    assert.equal(readFileSync(await file.path(), 'utf8'), 'zip of /odd: everything');
    await page.getByText('ENTREPOT-NOT-RESTORED.txt').waitFor();
    // What is neither a file nor a folder cannot be chosen.
    assert.equal(await page.getByLabel('Choose pipe').count(), 0);
    await page.getByLabel(`Choose ${kMarkup}`).focus();
    await page.keyboard.press('Space');
    await page.getByLabel('Choose #hash?query=1&x=%2e%2e+plus').check();
    const chosen = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download as tar: 2 chosen' }).focus();
    await page.keyboard.press('Enter');
    assert.equal(await contentOf(chosen), `tar of /odd: ${kMarkup}/#hash?query=1&x=%2e%2e+plus`);
    await page.getByRole('button', { name: 'Choose none' }).click();
    await page.getByRole('button', { name: 'Download as tar: This folder' }).waitFor();
    // Another folder is another choice.
    await page.getByLabel('Choose #hash?query=1&x=%2e%2e+plus').check();
    await page.getByRole('link', { name: /^#hash/ }).click();
    await page.getByRole('button', { name: 'Download as zip: This folder' }).waitFor();
    assert.deepEqual(asked(appliance, 'downloadGuestArchive').map(({ names }) => names), [undefined, `${kMarkup}/#hash?query=1&x=%2e%2e+plus`]);
  });
});

test('archive: more names than one request holds are refused in words', async () => {
  await withConsole({ site: ordinarySite(), address: `${kPlace}/many` }, async (page, appliance) => {
    await page.getByText('The first 200 entries').waitFor();
    for (let count = 200; count < 1_200; count += 200) {
      await loadMore(page);
      await until(page, (wanted) => document.querySelectorAll('tbody tr').length === wanted, count + 200);
    }
    await page.evaluate(() => document.querySelectorAll('td.pick input').forEach((box) => box.click()));
    await page.getByRole('button', { name: 'Download as zip: 1200 chosen' }).click();
    await page.getByRole('alert').getByText('So many names do not fit into one request.').waitFor();
    assert.ok(!appliance.requests.some((request) => request.name === 'downloadGuestArchive'));
  });
});

test('search: looks right with its list of indexes, and in the versions of a thousand machines', async () => {
  for (const [name, makeSite, address] of [
    ['ordinary', ordinarySite, '#/files?name=budget'],
    ['long', longSite, '#/files?name=budget'],
    ['empty', emptySite, '#/files?name=budget'],
  ]) {
    await withConsole({ site: makeSite(), address, bypassCSP: true }, async (page) => {
      await page.getByRole('button', { name: /^What can be searched|^Show them/ }).click();
      await page.getByText(/^(\d+ points( so far)?|All these points are indexed\.)$/).waitFor();
      await inAllWindows(page, (window) => checkLook(page, `${name}-search_indexes-${window}`));
    });
  }
  await withConsole({ site: ordinarySite(), address: `${kPlace}/odd`, bypassCSP: true }, async (page) => {
    await page.getByLabel('Choose damaged.db').check();
    await page.getByRole('button', { name: 'Download as zip: 1 chosen' }).click();
    await page.getByText('ENTREPOT-NOT-RESTORED.txt').waitFor();
    await inAllWindows(page, (window) => checkLook(page, `ordinary-archive_chosen-${window}`));
  });
});
