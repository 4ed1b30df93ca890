// How every page looks: empty, ordinary, long; wide, narrow; light, dark; and what axe-core finds.
import { test } from 'node:test';
import { withConsole } from './browser.mjs';
import { emptySite, longSite, ordinarySite, quietSite } from './fixtures.mjs';
import { checkLook, inAllWindows, kNarrow, kWide, settled, until } from './look.mjs';

const ordinary = ordinarySite();
const kPages = {
  overview: '#/',
  vms: '#/vms',
  vm: `#/vms/${ordinary.vms[0].id}`,
  vm_disks: `#/vms/${ordinary.vms[1].id}`,
  point: `#/points/${ordinary.points[3].id}`,
  point_disagrees: `#/points/${ordinary.points[1].id}`,
  restore: '#/restore',
  restore_moment: `#/restore?vm=${ordinary.vms[0].id}`,
  restore_target: `#/restore/${ordinary.points[2].id}`,
  restore_vm: `#/restore-vm/${ordinary.points[2].id}`,
  files: '#/files',
  files_moment: `#/files?vm=${ordinary.vms[0].id}`,
  files_disks: `#/files/${ordinary.points[0].id}/0`,
  files_folder: `#/files/${ordinary.points[0].id}/0/2/`,
  files_odd: `#/files/${ordinary.points[0].id}/0/2/odd`,
  files_deep: `#/files/${ordinary.points[0].id}/0/2/Users/anna/Documents/2026/November/reports/drafts/old/empty`,
  jobs: '#/jobs',
  job_failed: '#/jobs/job-2',
  job_done: '#/jobs/job-1',
  job_doctor: '#/jobs/job-doctor',
  policies: '#/policies',
  hosts: '#/hosts',
  host: '#/hosts/hv01',
  repository: '#/repository',
  access: '#/access',
  audit: '#/audit',
};
const kEmptyPages = Object.fromEntries(
  ['overview', 'vms', 'restore', 'files', 'jobs', 'policies', 'hosts', 'repository', 'access', 'audit'].map((name) => [name, kPages[name]]),
);
const kLongPages = { overview: '#/', vms: '#/vms', vm: `#/vms/${longSite().vms[0].id}`, jobs: '#/jobs', hosts: '#/hosts' };
const kSites = {
  empty: [emptySite, kEmptyPages],
  ordinary: [ordinarySite, kPages],
  long: [longSite, kLongPages],
  quiet: [quietSite, { overview: '#/' }],
};

// One page shows all: only size and colours change between its looks. A thousand rows have nothing for
// axe-core in the dark that the ordinary site's rows have not.
for (const [siteName, [makeSite, pages]] of Object.entries(kSites)) {
  test(`pages: ${siteName}, wide and narrow, light and dark`, async () => {
    await withConsole({ site: makeSite(), bypassCSP: true }, async (page, appliance) => {
      for (const [name, address] of Object.entries(pages)) {
        await page.goto(`${appliance.origin}/${address}`);
        await settled(page);
        await inAllWindows(page, (window) =>
          checkLook(page, `${siteName}-${name}-${window}`, siteName !== 'long' || window === '1280-light'),
        );
      }
    });
  });
}

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

test('dialogs: look right and are usable, wide and narrow', async () => {
  for (const [size, viewport, scheme] of [
    ['1280', kWide, 'light'],
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
