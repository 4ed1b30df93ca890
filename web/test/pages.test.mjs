// How every page looks: empty, ordinary, long; wide, narrow; light, dark; and what axe-core finds.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { withConsole } from './browser.mjs';
import { emptySite, longSite, ordinarySite, quietSite } from './fixtures.mjs';
import { checkLook, inAllWindows, kNarrow, kWide, settled, until } from './look.mjs';
import { kEmptyPages, kLongPages, kPages } from './site_pages.mjs';

const kFirstLoadBytesMax = 250 * 1024;
const kSites = {
  empty: [emptySite, kEmptyPages],
  ordinary: [ordinarySite, kPages],
  long: [longSite, kLongPages],
  quiet: [quietSite, { overview: '#/' }],
};

// One page shows all: only size and colours change between its looks.
for (const [siteName, [makeSite, pages]] of Object.entries(kSites)) {
  test(`pages: ${siteName}, wide and narrow, light and dark`, async () => {
    await withConsole({ site: makeSite(), bypassCSP: true, expectsRefusals: siteName === 'long' }, async (page, appliance) => {
      for (const [name, address] of Object.entries(pages)) {
        await page.goto(`${appliance.origin}/${address}`);
        await settled(page);
        await inAllWindows(page, (window) => checkLook(page, `${siteName}-${name}-${window}`));
      }
    });
  });
}

test('pages: the first load is less than 250 KiB, compressed', async () => {
  await withConsole({ site: ordinarySite() }, async (page, appliance) => {
    const sizes = new Map();
    page.on('response', (response) => {
      const { pathname } = new URL(response.url());
      if (!pathname.startsWith('/api/')) sizes.set(pathname, response.body().then((body) => gzipSync(body).length));
    });
    await page.goto('about:blank');
    await page.goto(`${appliance.origin}/#/`);
    await settled(page);
    const total = (await Promise.all(sizes.values())).reduce((sum, size) => sum + size, 0);
    assert.ok(sizes.size >= 3, [...sizes.keys()].join(' '));
    assert.ok(total < kFirstLoadBytesMax, `${total} bytes`);
  });
});

test('pages: all of them keep to the content security policy', async () => {
  await withConsole({ site: ordinarySite() }, async (page, appliance) => {
    for (const address of Object.values(kPages)) {
      await page.goto(`${appliance.origin}/${address}`);
      await settled(page);
    }
  });
});

test('restore of a machine: what it would meet looks right, wide and narrow, light and dark', async () => {
  await withConsole({ site: ordinarySite(), bypassCSP: true }, async (page, appliance) => {
    for (const [name, identity] of [
      ['copy', 'A copy beside the original'],
      ['blocked', 'The original, which is gone'],
    ]) {
      await page.goto(`${appliance.origin}/${kPages.restore_vm}`);
      await settled(page);
      await page.getByLabel(identity).check();
      await page.getByLabel('On switches that I choose').check();
      await page.getByRole('button', { name: 'Check' }).click();
      await page.getByRole('region', { name: 'What the restore would meet' }).waitFor();
      await inAllWindows(page, (window) => checkLook(page, `preflight-${name}-${window}`));
    }
  });
});

test('restore of a disk: what it would meet looks right, wide and narrow, light and dark', async () => {
  await withConsole({ site: ordinarySite(), bypassCSP: true }, async (page, appliance) => {
    await page.goto(`${appliance.origin}/${kPages.restore_target}`);
    await settled(page);
    await page.getByLabel('A file on the appliance').check();
    for (const [name, path, verdict] of [
      ['disk_good', '/mnt/restored/web01.vhdx', 'It can start: /mnt/restored/web01.vhdx'],
      ['disk_blocked', '/etc/cron.d/web01.vhdx', 'It cannot start like this'],
    ]) {
      await page.getByLabel('Write to').fill(path);
      await page.getByRole('button', { name: 'Check' }).click();
      await page.getByText(verdict).waitFor();
      await inAllWindows(page, (window) => checkLook(page, `preflight-${name}-${window}`));
    }
  });
});

test('dialogs: look right and are usable, wide and narrow', async () => {
  for (const [size, viewport, scheme] of [
    ['1440', kWide, 'light'],
    ['390', kNarrow, 'dark'],
  ]) {
    await withConsole({ site: ordinarySite(), viewport, scheme, bypassCSP: true }, async (page, appliance) => {
      const open = async (address, button, name) => {
        await page.goto(`${appliance.origin}/${address}`);
        await settled(page);
        await page.getByRole('button', { name: button }).first().click();
        await page.waitForSelector('dialog[open]');
        await until(
          page,
          () => document.querySelector('dialog[open] .preview ul') !== null || !location.hash.startsWith('#/policies'),
        );
        await checkLook(page, `dialog-${name}-${size}-${scheme}`);
        await page.keyboard.press('Escape');
        await page.waitForSelector('dialog', { state: 'detached' });
      };
      await open('#/vms', 'Back up web01', 'backup');
      await open('#/hosts', 'Add a host', 'host');
      await open('#/hosts/hv01', 'Change …', 'host-change');
      await open('#/hosts', 'Add a share', 'share');
      await open('#/hosts', /^Quota …/, 'quota');
      await page.getByRole('button', { name: /^New password …/ }).first().click();
      await page.getByRole('button', { name: 'Make a new one' }).click();
      await page.getByText('This is shown once').waitFor();
      await checkLook(page, `dialog-credentials-${size}-${scheme}`);
      await page.keyboard.press('Escape');
      await open('#/policies', 'Add a policy', 'policy');
      await open('#/access', 'Add a user', 'user');
      await open('#/access', 'Change bob', 'user-change');
      await open('#/access', 'Make a token', 'token');
      await open('#/access', 'Change your password', 'password');
      await open(kPages.point, 'Delete …', 'delete');
      await open('#/repository', 'Change a passphrase', 'passphrase');
    });
  }
});
