// Files out of a recovery point: from the machine to the download, what is refused, and names that mean harm.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { withConsole } from './browser.mjs';
import { ordinarySite } from './fixtures.mjs';
import { kManyFiles, kMarkup, kRightToLeft } from './guest_files.mjs';
import { checkLook, inAllWindows, kNarrow, loadMore, settled, until } from './look.mjs';

const site = ordinarySite();
const kPoint = site.points[0].id;
const kPlace = `#/files/${kPoint}/0/2`;
const trail = (page) => page.getByRole('navigation', { name: 'Place' });
const rowsOf = (page) => page.evaluate(() => document.querySelectorAll('tbody tr').length);

async function visit(page, appliance, address) {
  await page.goto(`${appliance.origin}/${address}`);
  await settled(page);
}

test('files: from the machine to a file, by keyboard, and back by the trail', async () => {
  await withConsole({ site: ordinarySite(), address: `#/vms/${site.vms[0].id}` }, async (page, appliance) => {
    await page.getByRole('link', { name: 'Browse files' }).first().click();
    await page.getByRole('heading', { name: /Which moment/ }).waitFor();
    await page.getByRole('cell').getByRole('link').first().focus();
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'Partition 2', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: 'odd', exact: true }).waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.tagName), 'H1');
    await page.getByRole('link', { name: 'odd', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'odd' }).waitFor();
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: `Download: ${kRightToLeft}` }).focus();
    await page.keyboard.press('Enter');
    const file = await download;
    assert.equal(file.suggestedFilename(), kRightToLeft);
    assert.equal(readFileSync(await file.path(), 'utf8'), `content of /odd/${kRightToLeft}`);
    assert.deepEqual(appliance.requests.find((request) => request.name === 'downloadGuestFile').query, { path: `/odd/${kRightToLeft}` });
    await trail(page).getByRole('link', { name: 'Partition 2' }).click();
    await page.getByRole('link', { name: 'Users', exact: true }).waitFor();
    await trail(page).getByRole('link', { name: 'web01', exact: true }).click();
    await page.getByRole('heading', { name: /Which moment/ }).waitFor();
  });
});

test('files: every place is its address, whatever its name has in it', async () => {
  await withConsole({ site: ordinarySite(), address: `${kPlace}/odd` }, async (page) => {
    for (const [name, inside] of [
      [/U\+0020leading and trailing/, 'inside a'],
      [/^#hash\?query=1/, 'inside b'],
    ]) {
      await page.getByRole('link', { name }).click();
      await page.getByText(inside).waitFor();
      await page.reload();
      await page.getByText(inside).waitFor();
      await page.goBack();
      await page.getByRole('heading', { level: 1, name: 'odd' }).waitFor();
    }
  });
});

test('files: a name is text, in a direction of its own, with what is unseen marked', async () => {
  await withConsole({ site: ordinarySite(), address: `${kPlace}/odd` }, async (page) => {
    await page.getByText(kMarkup, { exact: true }).waitFor();
    assert.equal(await page.evaluate(() => document.querySelectorAll('main img, main b').length), 0);
    await page.getByText('invoice-\\xe2\\x80\\xaefdp.exe', { exact: true }).waitFor();
    assert.ok((await page.getByText('\\xHH stands for a byte that is not shown.').count()) >= 2);
    assert.equal(await page.getByText(kRightToLeft, { exact: true }).evaluate((node) => node.tagName), 'BDI');
    await page.getByText('U+200B', { exact: true }).waitFor();
    await page.getByText('家族 👩‍👩‍👧.jpg', { exact: true }).waitFor();
  });
});

test('files: a long folder comes by pages, and a page that fails leaves what was read', async () => {
  await withConsole({ site: ordinarySite(), address: `${kPlace}/many`, expectsRefusals: true }, async (page, appliance) => {
    await page.getByText('The first 200 entries, in the order of names').waitFor();
    appliance.site.brokenPages = true;
    await page.getByRole('button', { name: 'Load more' }).click();
    await page.getByText('the reader of the disk ended before it had answered').waitFor();
    assert.equal(await rowsOf(page), 200);
    appliance.site.brokenPages = false;
    await page.getByRole('button', { name: 'Try again' }).click();
    for (let count = 400; count < kManyFiles; count += 200) {
      await until(page, (wanted) => document.querySelectorAll('tbody tr').length === wanted, count);
      await loadMore(page);
    }
    await page.getByText('2,345 entries', { exact: true }).waitFor();
    assert.equal(await page.getByRole('button', { name: 'Load more' }).count(), 0);
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'status');
    const names = await page.evaluate(() => [...document.querySelectorAll('td.main')].map((cell) => cell.textContent));
    assert.equal(new Set(names).size, kManyFiles);
    await page.setViewportSize(kNarrow);
    await checkLook(page, 'long-files-390', false);
  });
});

test('files: what cannot be given says why: a volume, a link, a file in the list, a file when it is asked for', async () => {
  await withConsole(
    { site: ordinarySite(), address: `#/files/${kPoint}`, expectsRefusals: true, bypassCSP: true },
    async (page, appliance) => {
      await page.getByText('it is encrypted by BitLocker, and only the machine has the key').waitFor();
      await page.getByText('btrfs cannot be read').waitFor();
      assert.equal(await page.getByRole('link', { name: 'Partition 4', exact: true }).count(), 0);
      await page.getByRole('link', { name: 'Restore the disk: Partition 4' }).waitFor();
      await visit(page, appliance, `#/files/${kPoint}/0/4`);
      await page.getByRole('alert').getByText('it is encrypted by BitLocker').waitFor();
      await page.getByRole('link', { name: 'Restore the disk' }).waitFor();
      assert.equal(await page.getByRole('button', { name: 'Try again' }).count(), 0);
      await visit(page, appliance, `${kPlace}/`);
      await page.getByText('Link, not followed, to C:\\Users').waitFor();
      assert.equal(await page.getByRole('link', { name: /Documents and Settings/ }).count(), 0);
      await page.getByText('Cannot be downloaded: Windows keeps its content compressed elsewhere (WOF)').waitFor();
      assert.equal(await page.getByRole('link', { name: 'Download: wof.exe' }).count(), 0);
      await visit(page, appliance, `${kPlace}/odd`);
      await page.getByRole('link', { name: 'Download: damaged.db' }).click();
      await page.getByRole('alert').getByText('Cannot be downloaded: its list of blocks is damaged').waitFor();
      assert.ok(!appliance.requests.some((request) => request.name === 'downloadGuestFile'));
      await inAllWindows(page, (window) => checkLook(page, `files-refused-${window}`));
      await visit(page, appliance, `${kPlace}/gone`);
      await page.getByRole('alert').getByText('there is no "/gone" in partition 2').waitFor();
      await page.getByText('Go back by the path above').waitFor();
      await visit(page, appliance, `#/files/${kPoint}/0/nonsense`);
      await page.getByText('The address names no place in a recovery point.').waitFor();
      await visit(page, appliance, `${kPlace}/empty`);
      await page.getByText('This folder is empty.').waitFor();
    },
  );
});

test('files: a viewer is not offered them, and is told what it takes', async () => {
  await withConsole({ site: ordinarySite(), expectsRefusals: true, bypassCSP: true }, async (page, appliance) => {
    const navigation = page.getByRole('navigation', { name: 'Main' });
    for (const [privilege, isOffered] of [
      ['viewer', 0],
      ['restore-operator', 1],
    ]) {
      appliance.privilege = privilege;
      await page.reload();
      await settled(page);
      assert.equal(await navigation.getByRole('link', { name: 'Files' }).count(), isOffered);
      await visit(page, appliance, `#/points/${kPoint}`);
      assert.equal(await page.getByRole('link', { name: 'Browse files' }).count(), isOffered);
    }
    appliance.privilege = 'viewer';
    await visit(page, appliance, '#/files');
    await page.reload();
    await page.getByText('Your role may not read the files of machines.').waitFor();
    await visit(page, appliance, `${kPlace}/odd`);
    await page.getByText('Your role may not read the files of machines.').waitFor();
    await page.getByText(/It takes the role Restore operator/).waitFor();
    await inAllWindows(page, (window) => checkLook(page, `files-viewer-${window}`));
  });
});
