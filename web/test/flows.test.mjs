// What people do with the console, from the login to the restored disk, under the real content security policy.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kInvitation, kPassword, kSetupToken, kUser } from './answers.mjs';
import { withConsole } from './browser.mjs';
import { ago, guid, makePoint, makeVm } from './builders.mjs';
import { emptySite, longSite, ordinarySite } from './fixtures.mjs';
import { checkLook, inAllWindows, kWide, until } from './look.mjs';

test('login: nothing is shown before it, a wrong password says so, the right one opens the console', async () => {
  await withConsole(
    { site: ordinarySite(), loggedIn: false, expectsRefusals: true, bypassCSP: true },
    async (page, appliance) => {
      assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), 'Log in');
      assert.deepEqual(appliance.requests, []);
      await inAllWindows(page, (window) => checkLook(page, `login-${window}`));
      await page.setViewportSize(kWide);
      await page.getByLabel('User').fill(kUser);
      await page.getByLabel('Password').fill('wrong');
      await page.keyboard.press('Enter');
      await page.getByText('the name or the password is wrong').waitFor();
      await page.getByLabel('Password').fill(kPassword);
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Overview' }).waitFor();
      await page.reload();
      await page.getByRole('heading', { name: 'Overview' }).waitFor();
      await page.getByRole('button', { name: 'Log out' }).click();
      await page.getByRole('heading', { name: 'Log in' }).waitFor();
    },
  );
});

test('setup: the printed link makes the first administrator, and leaves no token in the address', async () => {
  await withConsole(
    { site: ordinarySite(), loggedIn: false, expectsRefusals: true, bypassCSP: true, address: `#token=${kSetupToken}` },
    async (page, appliance) => {
      await page.getByRole('heading', { name: 'Set up the appliance' }).waitFor();
      assert.ok(!page.url().includes('token'));
      await inAllWindows(page, (window) => checkLook(page, `setup-${window}`));
      await page.setViewportSize(kWide);
      await page.getByLabel('User').fill(kUser);
      await page.getByLabel('New password').fill(kPassword);
      await page.getByLabel('Once more').fill(`${kPassword}?`);
      await page.getByRole('button', { name: 'Make the administrator' }).click();
      await page.getByText('The two passwords differ.').waitFor();
      await page.getByLabel('Once more').fill(kPassword);
      await page.getByRole('button', { name: 'Make the administrator' }).click();
      await page.getByRole('heading', { name: 'Overview' }).waitFor();
      assert.deepEqual(appliance.requests.find((request) => request.name === 'redeemLink').body, {
        token: kSetupToken,
        name: kUser,
        password: kPassword,
      });
      await page.goBack();
      assert.ok(!page.url().includes('token'));
    },
  );
});

test('setup: a link that was used says so and leads to the login', async () => {
  await withConsole(
    { site: ordinarySite(), loggedIn: false, expectsRefusals: true, address: '#token=spent' },
    async (page) => {
      await page.getByRole('heading', { name: 'Log in' }).waitFor();
      await page.getByText('this link is unknown, was already used, or is too old').waitFor();
    },
  );
});

test('users: an invitation shows its link once, and opening it lets the user choose a password', async () => {
  await withConsole({ site: ordinarySite(), address: '#/access' }, async (page, appliance) => {
    await page.getByRole('button', { name: 'Add a user' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('User').fill('carol');
    await dialog.locator('input[value="operator"]').check();
    await dialog.getByRole('button', { name: 'Add a user' }).click();
    await page.getByText('A link for carol').waitFor();
    assert.match(await page.locator('.notice code').textContent(), /#token=[0-9a-f]{64}$/);
    assert.deepEqual(appliance.requests.find((request) => request.name === 'addUser').body, { name: 'carol', role: 'operator' });
    await page.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('cell', { name: 'carol' }).first().waitFor();
    appliance.loggedIn = false;
    await page.evaluate((token) => (location.hash = `#token=${token}`), kInvitation);
    await page.getByRole('heading', { name: 'Choose a password, bob' }).waitFor();
  });
});

test('confirmation: what destroys asks for the password again, and goes on by itself', async () => {
  await withConsole({ site: ordinarySite(), address: '#/access', expectsRefusals: true }, async (page, appliance) => {
    appliance.confirmed = false;
    await page.getByRole('button', { name: 'Remove the user bob?' }).click();
    await page.getByRole('button', { name: 'Remove the user', exact: true }).click();
    const question = page.getByRole('dialog', { name: 'Your password, please' });
    await question.getByLabel('Password').fill('wrong');
    await page.keyboard.press('Enter');
    await question.getByText('the password is wrong').waitFor();
    await question.getByLabel('Password').fill(kPassword);
    await page.keyboard.press('Enter');
    await page.waitForSelector('dialog', { state: 'detached' });
    await until(page, () => !document.body.textContent.includes('bob'));
    assert.ok(!appliance.site.users.some((user) => user.name === 'bob'));
  });
});

test('confirmation: whoever does not give the password leaves everything as it is', async () => {
  await withConsole({ site: ordinarySite(), address: '#/access', expectsRefusals: true }, async (page, appliance) => {
    appliance.confirmed = false;
    await page.getByRole('button', { name: 'Remove the user bob?' }).click();
    await page.getByRole('button', { name: 'Remove the user', exact: true }).click();
    await page.getByRole('dialog', { name: 'Your password, please' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('this asks for your password again').waitFor();
    assert.ok(appliance.site.users.some((user) => user.name === 'bob'));
  });
});

test('access: a viewer sees no users and no audit, but the own sessions and tokens', async () => {
  await withConsole({ site: ordinarySite(), loggedIn: false, expectsRefusals: true }, async (page, appliance) => {
    appliance.privilege = 'viewer';
    await page.getByLabel('User').fill(kUser);
    await page.getByLabel('Password').fill(kPassword);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    assert.equal(await page.getByRole('link', { name: 'Audit' }).count(), 0);
    await page.getByRole('link', { name: 'Users and access' }).click();
    await page.getByRole('heading', { name: 'Sessions' }).waitFor();
    assert.equal(await page.getByRole('heading', { name: 'Users', exact: true }).count(), 0);
    await page.getByRole('button', { name: 'Make a token' }).click();
    assert.equal(await page.getByRole('dialog').getByRole('radio').count(), 1);
    assert.ok(!appliance.requests.some((request) => request.name === 'listUsers'));
  });
});

test('tokens: the secret is shown once; a revoked token is gone', async () => {
  await withConsole({ site: ordinarySite(), address: '#/access' }, async (page, appliance) => {
    await page.getByRole('button', { name: 'Make a token' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Token').fill('ansible');
    await dialog.getByLabel('Days until it ends').fill('30');
    await dialog.getByRole('button', { name: 'Make a token' }).click();
    await page.getByText('Copy it now: it is not shown again.').waitFor();
    assert.deepEqual(appliance.requests.find((request) => request.name === 'addToken').body, {
      name: 'ansible',
      role: 'viewer',
      days: 30,
      may_destroy: false,
    });
    await page.getByRole('button', { name: 'Revoke the token ansible?' }).click();
    await page.getByRole('button', { name: 'Revoke it' }).click();
    await page.waitForSelector('dialog', { state: 'detached' });
    assert.ok(!appliance.site.tokens.some((token) => token.name === 'ansible'));
  });
});

test('audit: filters, and a check that says what was found; hostile names stay text (F-WB-06)', async () => {
  await withConsole({ site: ordinarySite(), address: '#/audit' }, async (page) => {
    await page.getByRole('button', { name: 'Check the log' }).click();
    await page.getByText('All 5 entries are what was written.').waitFor();
    await page.getByText('<img src=x onerror=alert(1)>').waitFor();
    assert.equal(await page.locator('main img').count(), 0);
    await page.getByLabel('User').fill('bob');
    await page.keyboard.press('Enter');
    await until(page, () => document.querySelectorAll('tbody tr').length === 1);
    await page.getByLabel('User').fill('');
    const tomorrow = new Date(Date.now() + 86_400_000);
    const day = `${tomorrow.getFullYear()}-${String(tomorrow.getMonth() + 1).padStart(2, '0')}-${String(tomorrow.getDate()).padStart(2, '0')}`;
    await page.getByLabel('To', { exact: true }).fill(day);
    await page.keyboard.press('Enter');
    await until(page, () => document.querySelectorAll('tbody tr').length === 5);
    await page.getByLabel('From', { exact: true }).fill(day);
    await page.keyboard.press('Enter');
    await page.getByText('No entry matches.').waitFor();
    assert.match((await page.getByRole('link', { name: 'Export' }).getAttribute('href')) ?? '', /export\?since=.*&until=/);
  });
});

test('login: an expired session leads back to the login page', async () => {
  await withConsole({ site: ordinarySite(), expectsRefusals: true }, async (page, appliance) => {
    appliance.loggedIn = false;
    await page.getByRole('link', { name: 'Policies' }).click();
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
  });
});

test('back up now: the dialog starts a job, and its page follows it to the recovery point', async () => {
  await withConsole({ site: ordinarySite(), address: '#/vms' }, async (page, appliance) => {
    await page.getByRole('button', { name: 'Back up web01' }).click();
    await page.getByLabel('Crash: as if the power went').check();
    await page.getByLabel('Everything again').check();
    await page.getByRole('button', { name: 'Start the backup' }).click();
    await page.getByText('Waiting for its turn').waitFor();
    const vm = appliance.site.vms[0];
    assert.deepEqual(appliance.requests.find((request) => request.name === 'startBackups').body, {
      vm: vm.id,
      host: 'hv01',
      full: true,
      consistency: 'crash',
    });

    const id = appliance.site.jobs[0].id;
    const total = 8 * 1024 ** 3;
    appliance.update(id, { state: 'running', stage: 'export', started: ago(0) });
    await page.getByText('Export by the host').first().waitFor();
    for (let step = 1; step <= 6; ++step) {
      appliance.update(id, { stage: 'ingest', done_bytes: step * 1024 ** 3, total_bytes: total });
      await until(page, (gib) => document.querySelector('progress')?.value >= gib * 1024 ** 3, step);
    }
    await page.getByText(/6\.0 GiB of 8\.0 GiB/).waitFor();
    appliance.update(id, {
      state: 'done',
      ended: ago(0),
      done_bytes: total,
      result: { point: appliance.site.points[0].id, kind: 'full', reason: 'asked for', consistency: 'crash', disks: [] },
    });
    await page.getByRole('link', { name: 'Open the recovery point' }).click();
    await page.getByRole('heading', { name: /^web01, / }).waitFor();
  });
});

test('progress: rate and remaining time appear while bytes move', async () => {
  await withConsole({ site: ordinarySite(), address: '#/jobs/job-3' }, async (page, appliance) => {
    let done = 10 * 1024 ** 3;
    const pump = setInterval(() => {
      done += 64 * 1024 ** 2;
      appliance.update('job-3', { done_bytes: done });
    }, 100);
    try {
      await page.getByText(/iB\/s · .* left/).waitFor();
    } finally {
      clearInterval(pump);
    }
  });
});

test('a failed job names the step, the cause and what to do, and can be tried again', async () => {
  await withConsole({ site: ordinarySite(), address: '#/jobs/job-2' }, async (page, appliance) => {
    await page.getByText('Failed in the step "Export by the host"').waitFor();
    await page.getByText('access denied').first().waitFor();
    await page.getByText('Give the computer account HV02$').waitFor();
    await page.getByText('Already done: Plan, Snapshot of the machine').waitFor();
    const steps = page.getByRole('listitem').filter({ hasText: 'stopped here' });
    await steps.getByText('nothing of ours is left on the host').waitFor();
    assert.equal(await page.getByRole('link', { name: 'Examine the host' }).getAttribute('href'), '#/hosts/hv02');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('Waiting for its turn').waitFor();
    assert.equal(appliance.requests.filter((request) => request.name === 'retryJob').length, 1);
  });
});

test('policies: the calendar shows its next runs, a wrong one its fault, and the policy is added', async () => {
  await withConsole({ site: ordinarySite(), address: '#/policies', expectsRefusals: true }, async (page, appliance) => {
    await page.getByRole('button', { name: 'Add a policy' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Next runs (appliance in UTC)').waitFor();
    await dialog.getByLabel('When').fill('nonsense');
    await dialog.getByText('"nonsense" is not a calendar expression').waitFor();
    await dialog.getByRole('button', { name: 'Weekdays' }).click();
    await dialog.getByText('Next runs (appliance in UTC)').waitFor();
    await dialog.getByLabel('Name').fill('weekdays');
    await dialog.getByLabel('Machines').fill('web*\nhv02/*');
    await dialog.getByText('Matches now: web01, sql01').waitFor();
    for (const name of ['last', 'daily', 'weekly', 'monthly']) await dialog.getByLabel(name).fill('0');
    await dialog.getByRole('button', { name: 'Add the policy' }).click();
    await dialog.getByText('at least one number above zero').waitFor();
    await dialog.getByLabel('daily').fill('7');
    await dialog.getByRole('button', { name: 'Add the policy' }).click();
    await page.getByRole('cell', { name: 'weekdays', exact: true }).waitFor();
    assert.deepEqual(
      appliance.requests.filter((request) => request.name === 'addPolicy').map((request) => request.body),
      [
        {
          name: 'weekdays',
          vms: ['web*', 'hv02/*'],
          calendar: 'Mon..Fri 18:30',
          consistency: 'prefer-application',
          full_every: 0,
          retention: { keep_daily: 7 },
          full_every: 0,
        },
      ],
    );
  });
});

test('policies: one is changed, with all that it said before in its fields', async () => {
  await withConsole({ site: ordinarySite(), address: '#/policies' }, async (page, appliance) => {
    const { name, vms, calendar, consistency, retention, full_every } = appliance.site.policies[0];
    await page.getByRole('button', { name: `Change the policy ${name}` }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Next runs (appliance in UTC)').waitFor();
    await dialog.getByLabel('daily', { exact: true }).fill('21');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.waitForSelector('dialog', { state: 'detached' });
    const { path, body } = appliance.requests.find((request) => request.name === 'changePolicy');
    assert.deepEqual(path, { name });
    assert.deepEqual(body, { name, vms, calendar, consistency, full_every, retention: { ...retention, keep_daily: 21 } });
    await page.getByText('21 daily').waitFor();
  });
});

test('recovery points: held, released and deleted only after a question', async () => {
  await withConsole({ site: ordinarySite(), address: `#/vms/${ordinarySite().vms[0].id}` }, async (page, appliance) => {
    const newest = appliance.site.points[0];
    const sent = (name) => appliance.requests.filter((request) => request.name === name).length;
    await page.locator('button.fold').first().click();
    await page.getByRole('button', { name: 'Hold …' }).click();
    await page.getByLabel('Reason').fill('audit');
    await page.getByRole('button', { name: 'Hold it' }).click();
    await page.getByText('on hold: audit', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Release the hold' }).click();
    await page.getByText('on hold: audit', { exact: true }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Delete …' }).click();
    await page.waitForSelector('dialog[open]');
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
    assert.equal(sent('deletePoint'), 0);
    await page.getByRole('button', { name: 'Delete …' }).click();
    await page.getByRole('button', { name: 'Delete it' }).click();
    await until(page, (id) => !document.body.textContent.includes(id), newest.id);
    assert.equal(sent('deletePoint'), 1);
  });
});

test('hosts: one is added with a pin, and what it refuses is shown with its cure', async () => {
  await withConsole({ site: emptySite(), address: '#/hosts', expectsRefusals: true }, async (page, appliance) => {
    await page.getByRole('button', { name: 'Add a host' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('hv09');
    await dialog.getByLabel('Address').fill('https://hv09:5986/wsman');
    await dialog.getByLabel('User').fill('HV09\\backup');
    await dialog.getByLabel('Password').fill('secret');
    await dialog.getByRole('combobox', { name: 'Certificate' }).selectOption('pin');
    await dialog.getByLabel('SHA-256 of the certificate, hex').fill(Array(32).fill('AB').join(':'));
    await dialog.getByRole('button', { name: 'Add the host' }).click();
    // The doctor looks at once; while something fails the host is not asked for more.
    await page.getByText('1 failed, 1 warning, 1 unproven').waitFor();
    await page.getByText('systemctl status smbd; ss -tln sport = :445').waitFor();
    assert.ok(!page.url().includes('examine'));
    assert.equal(appliance.requests.filter((request) => request.name === 'startDoctor').length, 1);
    assert.ok(!appliance.requests.some((request) => request.name === 'listHostVms'));
    await page.getByRole('button', { name: 'Ask now' }).click();
    await page.getByText('hv09 does not answer within 30 s').waitFor();
    await page.getByText('Is WinRM listening?').waitFor();
    assert.deepEqual(appliance.requests.find((request) => request.name === 'addHost').body, {
      name: 'hv09',
      url: 'https://hv09:5986/wsman',
      auth: 'negotiate',
      user: 'HV09\\backup',
      password: 'secret',
      pin: 'ab'.repeat(32),
    });
  });
});

test('shares: one is added that the appliance serves, and a host gets its login, shown once', async () => {
  await withConsole({ site: ordinarySite(), address: '#/hosts' }, async (page, appliance) => {
    await page.getByRole('button', { name: 'Add a share' }).click();
    const form = page.getByRole('dialog');
    await form.getByLabel('Name').fill('more');
    await form.getByLabel('Folder on the appliance').fill('/srv/more');
    await form.getByRole('button', { name: 'Add the share' }).click();
    await page.waitForSelector('dialog', { state: 'detached' });
    const added = appliance.requests.find((request) => request.name === 'addShare').body;
    assert.deepEqual(added, { name: 'more', path: '/srv/more', managed: true });

    await page.getByRole('button', { name: 'New password … hv02' }).click();
    await page.getByText('The old one ends at once').waitFor();
    await page.getByRole('button', { name: 'Make a new one' }).click();
    const dialog = page.locator('dialog[open]');
    await dialog.getByText('kq7mz3vd9xw5ht2jb8nc4rfp6s').waitFor();
    await dialog.getByText("New-SmbGlobalMapping -RemotePath '\\\\appliance\\exports'").waitFor();
    assert.deepEqual(appliance.requests.find((request) => request.name === 'issueShareCredentials').body, { rotate: true });
    await dialog.getByRole('button', { name: 'I have it' }).click();
    await page.waitForSelector('dialog', { state: 'detached' });
    assert.equal(await page.getByText('kq7mz3vd9xw5ht2jb8nc4rfp6s').count(), 0);
  });
});

test('shares: a quota is set in GiB and taken away, an account is closed after a question', async () => {
  await withConsole({ site: ordinarySite(), address: '#/hosts' }, async (page, appliance) => {
    const set = async (value) => {
      await page.getByRole('button', { name: 'Quota … hv01' }).click();
      await page.getByLabel('GiB').fill(value);
      await page.getByRole('button', { name: 'Set the quota' }).click();
      await page.waitForSelector('dialog', { state: 'detached' });
    };
    await set('1.5');
    await page.getByText('38.0 GiB of 1.5 GiB').waitFor();
    await set('');
    const bodies = appliance.requests.filter((request) => request.name === 'changeShareSettings').map((request) => request.body);
    assert.deepEqual(bodies, [{ quota_bytes: 1.5 * 1024 ** 3 }, { quota_bytes: null }]);

    await page.getByRole('button', { name: 'Close the account of hv02?' }).click();
    await page.getByRole('button', { name: 'Close it' }).click();
    await page.getByRole('button', { name: 'Make its login … hv02' }).waitFor();
  });
});

test('shares: a file server that does not run says why, what to do, and the end of its log', async () => {
  await withConsole({ site: longSite(), address: '#/hosts' }, async (page) => {
    await page.getByText('something else listens at 0.0.0.0:445 already').waitFor();
    await page.getByText('systemctl disable --now smbd nmbd').waitFor();
    await page.getByText('The end of its log').click();
    await page.getByText('smbd version 4.17.12-Debian started.').waitFor();
  });
});

test('jobs: one that waits for room says so', async () => {
  await withConsole({ site: longSite(), address: '#/jobs' }, async (page) => {
    await page.getByText('Waiting: share exports has 12.0 GiB free').first().waitFor();
  });
});

test('hosts: the doctor says what it saw, what to do, and with which command', async () => {
  await withConsole({ site: ordinarySite(), address: '#/hosts/hv02', expectsRefusals: true }, async (page, appliance) => {
    await page.getByRole('button', { name: 'Examine this host' }).click();
    await page.getByText('1 failed, 1 warning, 1 unproven').waitFor();
    await page.getByText("No file server listens at the share's name.").waitFor();
    await page.getByText('10.0.0.5 port 445: refused (Connection refused)').waitFor();
    await page.getByText('systemctl status smbd; ss -tln sport = :445').waitFor();
    assert.ok(!(await page.getByText('The port is open.').isVisible()), 'what holds is folded away');
    await page.getByText('4 more checks').click();
    await page.getByText('The port is open.').waitFor();
    await page.getByRole('button', { name: 'Examine again' }).waitFor();
    assert.deepEqual(
      appliance.requests.filter((request) => request.name === 'startDoctor').map((request) => request.body),
      [{}],
    );
  });
});

test('hosts: each way to log in asks for what it needs and sends nothing else', async () => {
  await withConsole({ site: emptySite(), address: '#/hosts', expectsRefusals: true }, async (page, appliance) => {
    await page.getByRole('button', { name: 'Add a host' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('hv10');
    await dialog.getByLabel('Address').fill('http://hv10.corp.example:5985/wsman');
    await dialog.getByLabel('Password').fill('typed too early');
    await dialog.getByRole('combobox', { name: 'Login' }).selectOption('certificate');
    assert.equal(await dialog.getByLabel('Password').count(), 0);
    assert.equal(await dialog.getByLabel('Encrypt every message with the login').count(), 0);
    await dialog.getByLabel('Client certificate, PEM').fill('CERTIFICATE');
    await dialog.getByRole('combobox', { name: 'Login' }).selectOption('kerberos');
    await dialog.getByLabel('User').fill('backup@CORP.EXAMPLE');
    await dialog.getByLabel('Password').fill('secret');
    await dialog.getByLabel('Kerberos service').fill('WSMAN');
    await dialog.getByLabel('Encrypt every message with the login').check();
    await dialog.getByRole('button', { name: 'Add the host' }).click();
    await page.getByRole('heading', { level: 1, name: 'hv10' }).waitFor();
    assert.deepEqual(appliance.requests.find((request) => request.name === 'addHost').body, {
      name: 'hv10',
      url: 'http://hv10.corp.example:5985/wsman',
      auth: 'kerberos',
      user: 'backup@CORP.EXAMPLE',
      password: 'secret',
      spn: 'WSMAN',
      message_encryption: true,
    });
  });
});

test('hosts: one is changed, with its password where that must be given anew, and is examined', async () => {
  await withConsole({ site: ordinarySite(), address: '#/hosts/hv01' }, async (page, appliance) => {
    const bodies = () => appliance.requests.filter((request) => request.name === 'changeHost').map((request) => request.body);
    const change = async (fill) => {
      await page.getByRole('button', { name: 'Change …' }).click();
      const dialog = page.getByRole('dialog', { name: 'Change the host hv01' });
      await fill(dialog);
      await dialog.getByRole('button', { name: 'Save' }).click();
    };
    await change(async (dialog) => {
      assert.equal(await dialog.getByLabel('Address').inputValue(), 'https://hv01.example.com:5986/wsman');
      await dialog.getByLabel('Address').fill('https://hv01.corp.example:5986/wsman');
    });
    // The browser itself asks for the field.
    assert.equal(bodies().length, 0);
    const dialog = page.getByRole('dialog');
    await dialog.getByText('it is given anew').waitFor();
    await dialog.getByLabel('Password').fill('secret');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.waitForSelector('dialog', { state: 'detached' });
    assert.deepEqual(bodies(), [{ url: 'https://hv01.corp.example:5986/wsman', password: 'secret' }]);
    await page.getByText('https://hv01.corp.example:5986/wsman').waitFor();
    await page.getByText('1 failed, 1 warning, 1 unproven').waitFor();
    await until(page, () => !location.hash.includes('examine'));
    await change((dialog) => dialog.getByRole('combobox', { name: 'Certificate' }).selectOption('system').then(() => dialog.getByLabel('Password').fill('secret')));
    await page.waitForSelector('dialog', { state: 'detached' });
    assert.deepEqual(bodies()[1], { pin: '', password: 'secret' });
    await until(page, () => !location.hash.includes('examine'));
    assert.equal(appliance.requests.filter((request) => request.name === 'startDoctor').length, 2);
  });
});

test('a thousand machines: the filter finds one at once', async () => {
  await withConsole({ site: longSite(), address: '#/vms' }, async (page) => {
    await page.getByText('1000 of 1000').waitFor();
    await page.getByLabel('Filter by name').fill('vm-0777');
    await page.getByText('1 of 1000').waitFor();
    assert.equal(await page.locator('tbody tr').count(), 1);
    await page.getByLabel('Filter by name').fill('no such machine');
    await page.getByRole('button', { name: 'Clear the filter' }).click();
    await page.getByText('1000 of 1000').waitFor();
  });
});

test('keyboard: skip link, navigation and dialogs work without a mouse', async () => {
  await withConsole({ site: ordinarySite(), address: '#/vms' }, async (page) => {
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to content');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
    const button = page.getByRole('button', { name: 'Back up web01' });
    await button.focus();
    await page.keyboard.press('Enter');
    await page.waitForSelector('dialog[open]');
    assert.ok(await page.evaluate(() => document.activeElement.closest('dialog') !== null));
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Back up web01');
  });
});

test('the stream breaks: the console says so, and is up to date again when it is back', async () => {
  await withConsole({ site: ordinarySite(), address: '#/jobs/job-3', expectsRefusals: true }, async (page, appliance) => {
    for (const stream of appliance.streams) stream.end();
    await page.getByText('Live updates are interrupted').waitFor();
    Object.assign(
      appliance.site.jobs.find((job) => job.id === 'job-3'),
      { state: 'done', ended: ago(0), result: {} },
    );
    await page.getByText('Live updates are interrupted').waitFor({ state: 'detached' });
    await page.locator('.summary').getByText('done').waitFor();
  });
});

test('two hosts with one GUID: an address without a host asks which, with one shows only its points', async () => {
  const site = ordinarySite();
  const twins = ['hv01', 'hv02'].map((host, index) => {
    const point = makePoint(900 + index, { id: guid(77), name: 'twin', host }, 60, 'full', { reason: `taken on ${host}` });
    site.points.unshift(point);
    return makeVm(77, 'twin', host, [point], null);
  });
  site.vms.push(...twins);
  await withConsole({ site, address: `#/vms/${guid(77)}` }, async (page, appliance) => {
    await page.getByRole('heading', { name: 'Several hosts have this machine' }).waitFor();
    await page.getByRole('listitem').filter({ hasText: 'on hv02' }).getByRole('link').click();
    await page.getByRole('heading', { level: 1, name: 'twin' }).waitFor();
    await page.getByText('taken on hv02').waitFor();
    assert.equal(await page.getByText('taken on hv01').count(), 0);
    await page.locator('main').getByRole('link', { name: 'Restore', exact: true }).click();
    await page.getByRole('heading', { name: /Which moment/ }).waitFor();
    assert.equal(await page.locator('tbody tr').count(), 1);
    assert.equal(appliance.requests.findLast((request) => request.name === 'listPoints').query.host, 'hv02');
  });
});

test('sessions: one that the appliance ended leads to the login, without a click', async () => {
  await withConsole({ site: ordinarySite(), expectsRefusals: true }, async (page, appliance) => {
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    appliance.loggedIn = false;
    for (const stream of appliance.streams) stream.end();
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
  });
});
