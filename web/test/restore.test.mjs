// Ways back: a disk as a download or as a file of the appliance, and a whole machine after a check.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withConsole } from './browser.mjs';
import { ago, guid } from './builders.mjs';
import { ordinarySite } from './fixtures.mjs';

test('restore: from machine to moment to disk, downloaded as the format that was chosen', async () => {
  await withConsole({ site: ordinarySite(), address: '#/restore' }, async (page, appliance) => {
    await page.getByRole('link', { name: 'web01' }).click();
    await page.getByRole('heading', { name: /Which moment/ }).waitFor();
    await page.getByRole('cell').getByRole('link').first().click();
    await page.getByRole('heading', { name: 'Restore a machine' }).waitFor();
    await page.getByRole('link', { name: /^A disk/ }).click();
    await page.getByLabel('Format').waitFor();
    assert.equal(await page.getByLabel('Format').locator('option').count(), 3);
    await page.getByLabel('Format').selectOption('qcow2');
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download the disk' }).click();
    assert.equal((await saved).suggestedFilename(), 'web01-disk0.qcow2');
    await page.getByText('a file that is shorter was broken off').waitFor();
    assert.ok(!appliance.requests.some((request) => request.name === 'startDiskRestore'));
  });
});

test('restore: what the appliance refuses is read on the page, not in a file of some bytes', async () => {
  const site = ordinarySite();
  await withConsole({ site, address: `#/restore/${site.points[0].id}`, expectsRefusals: true }, async (page, appliance) => {
    await page.getByLabel('Format').waitFor();
    site.points.shift();
    await page.getByRole('button', { name: 'Download the disk' }).click();
    await page.getByRole('alert').waitFor();
    assert.ok(!appliance.requests.some((request) => request.name === 'downloadDiskImage'));
  });
});

test('restore: from machine to moment to disk to a file on the appliance', async () => {
  await withConsole({ site: ordinarySite(), address: '#/restore' }, async (page, appliance) => {
    await page.getByRole('link', { name: 'web01' }).click();
    await page.getByRole('heading', { name: /Which moment/ }).waitFor();
    await page.getByRole('cell').getByRole('link').first().click();
    await page.getByRole('link', { name: /^A disk/ }).click();
    await page.getByLabel('A file on the appliance').check();
    await page.getByLabel('Format').selectOption('raw');
    // The directory is the configured one, whatever it is.
    await page.getByText('/mnt/restored/web01-0.img').waitFor();
    const start = page.getByRole('button', { name: 'Restore the disk' });
    const check = page.getByRole('button', { name: 'Check' });
    assert.equal(await start.isDisabled(), true);
    for (const [path, why] of [
      ['/etc/cron.d/web01', 'over the network disks are restored into /mnt/restored only'],
      ['/mnt/restored/there.img', '/mnt/restored/there.img exists already'],
    ]) {
      await page.getByLabel('Write to').fill(path);
      await check.click();
      await page.getByText(why).waitFor();
      assert.equal(await start.isDisabled(), true);
    }
    await page.getByLabel('Write to').fill('/mnt/restored/web01.img');
    // What was said of another file is shown no longer.
    assert.equal(await page.getByText('exists already').count(), 0);
    await check.click();
    await page.getByText('It can start: /mnt/restored/web01.img').waitFor();
    await page.getByLabel('Format').selectOption('qcow2');
    assert.equal(await start.isDisabled(), true);
    await check.click();
    await page.getByText('at most 44.0 GiB are needed as qcow2').waitFor();
    assert.equal(await start.isDisabled(), true);
    await page.getByLabel('Format').selectOption('raw');
    await check.click();
    await page.getByText('It can start').waitFor();
    await start.click();
    await page.getByRole('heading', { name: /^Disk restore/ }).waitFor();
    assert.deepEqual(appliance.requests.find((request) => request.name === 'startDiskRestore').body, {
      point: appliance.site.points[0].id,
      disk: '0',
      to: '/mnt/restored/web01.img',
      format: 'raw',
    });
  });
});

test('restore of a machine: checked first, blocked and cured, and only then started', async () => {
  await withConsole({ site: ordinarySite() }, async (page, appliance) => {
    const point = appliance.site.points[0];
    const start = page.getByRole('button', { name: 'Restore the machine' });
    await page.goto(`${appliance.origin}/#/points/${point.id}`);
    await page.getByRole('link', { name: 'Restore the machine' }).click();
    await page.getByRole('heading', { name: 'Restore a machine' }).waitFor();
    assert.equal(await start.isDisabled(), true);
    assert.equal(await page.getByLabel('Folder, as the host reads it').inputValue(), '\\\\appliance\\exports');

    await page.getByLabel('The original, which is gone').check();
    await page.getByRole('button', { name: 'Check' }).click();
    await page.getByText('is still on host hv01').waitFor();
    assert.equal(await start.isDisabled(), true);

    await page.getByLabel('A copy beside the original').check();
    assert.equal(await page.getByText('is still on host hv01').count(), 0);
    await page.getByLabel('On switches that I choose').check();
    await page.getByLabel('Adapters that were on LAN').selectOption('External');
    await page.getByLabel('New name').fill('web01-test');
    await page.getByRole('button', { name: 'Check' }).click();
    await page.getByText("is connected to 'External'").waitFor();
    assert.equal(await start.isDisabled(), false);
    // Another question makes the answer stale.
    await page.getByLabel('Start it').check();
    assert.equal(await start.isDisabled(), true);
    await page.getByRole('button', { name: 'Check' }).click();
    await page.getByText('It can start').waitFor();
    await start.click();
    await page.getByRole('heading', { name: /^Machine restore/ }).waitFor();
    assert.deepEqual(appliance.requests.find((request) => request.name === 'startVmRestore').body, {
      point: point.id,
      host: 'hv01',
      to: '\\\\appliance\\exports',
      keep_id: false,
      start: true,
      connect: false,
      keep_mac: false,
      switches: [{ from: 'LAN', to: 'External' }],
      name: 'web01-test',
    });
    appliance.update(appliance.site.jobs[0].id, {
      state: 'done',
      ended: ago(0),
      result: {
        point: point.id,
        vm: { id: guid(5), name: 'web01-test' },
        host: 'hv01',
        to: '\\\\appliance\\exports\\x',
        reach: 'share',
        kept_id: false,
        started: true,
        network: [{ adapter: 'Network Adapter', was_on: 'LAN', switch: 'External', mac: null }],
        disks: [],
        next: 'The VM runs from the share exports.',
        warnings: [],
      },
    });
    await page.getByText('Network Adapter: on External').waitFor();
    await page.getByText('The VM runs from the share exports.', { exact: true }).waitFor();
  });
});
