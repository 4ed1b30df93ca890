// What the stand-in appliance answers to each operation of the OpenAPI document.
import { ago, hex, makeReport, makeShare, makeShareAccount, makeShareServer } from './builders.mjs';
import { Download, guestAnswers } from './guest_files.mjs';
import { searchAnswers } from './guest_search.mjs';
import { Refusal } from './refusal.mjs';
import { settingsAnswers } from './settings_answers.mjs';

export const kCookie = '__Host-entrepot=session-of-the-test';
export const kCsrf = 'csrf-of-the-test';
export const kSetupToken = 'setup-token-of-the-test';
export const kInvitation = 'invitation-of-the-test';
export const kUser = 'ada';
export const kPassword = 'four words in a row';

const sessionOf = ({ privilege }) => ({
  id: 'session-1', csrf: kCsrf, user: kUser, privilege, via: 'session', expires: ago(-720),
});
const kWinrmHint = 'Is WinRM listening? On the host: winrm enumerate winrm/config/listener';

function enter(appliance, response) {
  appliance.loggedIn = true;
  response.setHeader('Set-Cookie', `${kCookie}; Path=/; Secure; HttpOnly; SameSite=Strict`);
  return sessionOf(appliance);
}

function logIn(appliance, { body }, response) {
  if (body.name !== kUser || body.password !== kPassword)
    throw new Refusal(401, 'unauthenticated', 'the name or the password is wrong', 'entrepot user link NAME on the appliance makes a link to a new password');
  return enter(appliance, response);
}

function lookAtLink(appliance, { body: { token } }) {
  if (![kSetupToken, kInvitation].includes(token) || appliance.usedTokens.has(token))
    throw new Refusal(401, 'unauthenticated', 'this link is unknown, was already used, or is too old', 'entrepot user link on the appliance makes a new one');
  return { is_setup: token === kSetupToken, user: token === kSetupToken ? null : 'bob' };
}

function redeemLink(appliance, request, response) {
  lookAtLink(appliance, request);
  appliance.usedTokens.add(request.body.token);
  return enter(appliance, response);
}

function confirmSession(appliance, { body }) {
  if (body.password !== kPassword) throw new Refusal(403, 'access_denied', 'the password is wrong');
  appliance.confirmed = true;
}

const link = (seed) => ({ token: hex(seed, 64), expires: ago(-1440) });

function addUser({ site }, { body: { password, ...body } }) {
  const fresh = { has_password: password !== undefined, is_disabled: false, created: ago(0), password_changed: null, last_sign_in: null };
  return { ...append(site.users, { ...body, ...fresh }), link: link(5) };
}

function addToken({ site }, { body: { name, role, may_destroy, days } }) {
  const fresh = { id: hex(site.tokens.length + 40, 32), user: kUser, created: ago(0), expires: ago(-1440 * days), is_ended: false, last_used: null };
  return { ...append(site.tokens, { name, role, may_destroy, ...fresh }), secret: `entrepot_${hex(9, 64)}` };
}

function listAudit(appliance, { query: { user, action, since, until, ...page } }) {
  const isIn = ({ time }) => (!since || time >= since) && (!until || time < until);
  const entries = appliance.site.audit.filter((entry) => (!user || entry.user === user) && (!action || entry.action === action) && isIn(entry));
  return appliance.page('entries', entries, page);
}

function verifyAudit({ site }) {
  return { is_sound: true, entries: site.audit.length, digest: site.audit[0]?.digest ?? '', bad_entry: null, reason: null };
}

function append(rows, row) {
  rows.push(row);
  return row;
}

function addShare({ site }, { body: { managed = false, ...body } }) {
  const served = managed ? { managed, listen: '0.0.0.0:445', server: makeShareServer() } : {};
  return append(site.shares, makeShare({ ...body, unc: body.unc ?? `\\\\appliance\\${body.name}`, ...served }));
}

/// The share that a host exports to, and its account there.
function placeOf({ site }, name) {
  const host = site.hosts.find((candidate) => candidate.name === name);
  const share = site.shares.find((candidate) => candidate.name === (host?.share ?? site.shares[0]?.name));
  return { host, share, account: share?.accounts.find((candidate) => candidate.host === name) };
}

function issueShareCredentials(appliance, { path: { name }, body: { rotate = false } }) {
  const { share, account } = placeOf(appliance, name);
  if (account?.has_password && !rotate) {
    throw new Refusal(409, 'conflict', 'the password was shown when it was made, and is not shown again', '--rotate makes a new one');
  }
  const fresh = account ?? append(share.accounts, makeShareAccount(name, `entrepot-share-0${share.accounts.length + 1}`));
  Object.assign(fresh, { has_password: true, password_made: ago(0) });
  const mapping = `New-SmbGlobalMapping -RemotePath '${share.unc}' -Persistent $true -RequirePrivacy $true -Credential (New-Object System.Management.Automation.PSCredential 'APPLIANCE\\${fresh.account}', (Read-Host -AsSecureString 'Password of ${fresh.account}'))`;
  const commands = [
    { title: 'Map the share for the whole machine; paste the password when it asks', command: mapping },
    { title: 'See that it works: this shows one folder, the host\'s own', command: `Get-ChildItem '${share.unc}'` },
  ];
  const server = { state: share.server.state, message: share.server.message };
  const password = 'kq7mz3vd9xw5ht2jb8nc4rfp6s';
  return { host: name, share: share.name, unc: share.unc, account: fresh.account, password, commands, server };
}

function revokeShareCredentials(appliance, { path: { name } }) {
  Object.assign(placeOf(appliance, name).account, { has_password: false, password_made: null, computer: null });
}

function changeShareSettings(appliance, { path: { name }, body }) {
  return Object.assign(placeOf(appliance, name).account, body);
}

function addHost({ site }, { body: { password: _, ca, ...body } }) {
  const fresh = { created: ago(0), last_contact: null, last_error: null, vm_count: null };
  return append(site.hosts, { user: '', pin: null, share: null, ...body, id: body.name, has_ca: ca !== undefined, ...fresh });
}

function changeHost(appliance, { path: { name }, body: { password: _, key: __, certificate: ___, ca, ...body } }) {
  const host = appliance.find('hosts', 'name', name);
  return Object.assign(host, body, ca === undefined ? {} : { has_ca: ca !== '' }, body.pin === '' ? { pin: null } : {});
}

function listHostVms(appliance, { path: { name } }) {
  appliance.find('hosts', 'name', name);
  const vms = appliance.site.inventory[name];
  if (!vms) throw new Refusal(502, 'unreachable', `${name} does not answer within 30 s`, kWinrmHint);
  const host = { name, computer_name: name.toUpperCase(), os: 'Windows Server 2022 Standard', os_build: 20348, time: ago(0) };
  return { host, vms, next_cursor: null };
}

function getDoctorReport(appliance, { path: { name } }) {
  appliance.find('hosts', 'name', name);
  const report = appliance.site.doctor?.[name];
  if (!report) throw new Refusal(404, 'not_found', `host ${name} has not been examined yet`, 'entrepot host doctor does it');
  return report;
}

function startDoctor(appliance, { path: { name } }) {
  appliance.find('hosts', 'name', name);
  const job = appliance.addJob({ kind: 'doctor', subject: `host ${name}`, state: 'done', result: makeReport(name) });
  appliance.site.doctor = { ...appliance.site.doctor, [name]: { ...makeReport(name), job: job.id, time: ago(0) } };
  return { job };
}

function addPolicy({ site }, { body }) {
  const fresh = { created: ago(0), matching_vms: 2, next_runs: [ago(-60)], last_run: null };
  return append(site.policies, { consistency: 'prefer-application', full_every: 0, ...body, ...fresh });
}

function previewPolicy(_, { body: { calendar, count = 5 } }) {
  if (!/^[\w*., :/-]+$/.test(calendar) || calendar.includes('nonsense')) {
    throw new Refusal(400, 'usage', `"${calendar}" is not a calendar expression`, 'For example: Mon..Fri 18:30');
  }
  return { time_zone: 'UTC', next_runs: Array.from({ length: count }, (_, index) => ago(-60 - index * 1440)) };
}

const kSlots = { keep_hourly: 13, keep_daily: 10, keep_monthly: 7, keep_yearly: 4 };

/// As the appliance does it, weeks apart: the newest point of each of the latest slots.
function previewRetention({ site }, { body: { vm, host, rule } }) {
  if (Object.values(rule).every((count) => count === 0)) throw new Refusal(400, 'usage', 'a rule without a number would keep nothing');
  const points = site.points.filter((point) => point.vm.id === vm && (host ?? point.vm.host) === point.vm.host);
  const because = new Map(points.map((point) => [point, point.hold_reason || point.protected_until ? ['protected'] : []]));
  points.slice(0, rule.keep_last ?? 0).forEach((point, index) => because.get(point).push(`last ${index + 1}`));
  for (const [name, digits] of Object.entries(kSlots)) {
    const newest = new Map();
    for (const point of points) if (!newest.has(point.time.slice(0, digits))) newest.set(point.time.slice(0, digits), point);
    for (const [slot, point] of [...newest].slice(0, rule[name] ?? 0)) because.get(point).push(`${name.slice(5)} ${slot}`);
  }
  const oldestFirst = points.toReversed();
  const removed = oldestFirst.filter((point) => because.get(point).length === 0);
  return {
    time_zone: 'UTC',
    kept: oldestFirst.filter((point) => !removed.includes(point)).map((point) => ({ point: point.id, because: because.get(point) })),
    removed: removed.map((point) => point.id),
    removed_unique_bytes: removed.reduce((sum, point) => sum + point.unique_bytes, 0),
  };
}

function listPoints(appliance, { query }) {
  return appliance.page('points', appliance.site.points.filter((point) => (!query.vm || point.vm.id === query.vm) && (query.host ?? point.vm.host) === point.vm.host), query);
}

const subjectOf = (appliance, id, host) => {
  const vm = appliance.site.vms.find((candidate) => candidate.id === id && (candidate.host === host || candidate.host_id === host));
  return vm && `${vm.name} on ${vm.host}`;
};

/// By UTC days, as the stand-in's browser has them.
function getJobHistory({ site }, { query: { days = 14, kind } }) {
  const rows = Array.from({ length: days }, (_, index) => ({ day: ago((days - 1 - index) * 1440).slice(0, 10), done: 0, partly: 0, failed: 0, cancelled: 0, interrupted: 0, busy_seconds: 0 }));
  for (const job of site.jobs) {
    const row = job.ended && (!kind || job.kind === kind) ? rows.find((candidate) => candidate.day === job.ended.slice(0, 10)) : undefined;
    if (row) row[job.state] += 1;
  }
  return { time_zone: 'UTC', days: rows };
}

/// However many are asked for, a page has at most 500, as the appliance's.
function listJobs(appliance, { query: { state, kind, vm, host, limit = 100, cursor } }) {
  const page = { limit: Math.min(limit, 500), cursor };
  const name = subjectOf(appliance, vm, host);
  return appliance.page('jobs', appliance.site.jobs.filter((job) => (!state || job.state === state) && (!kind || job.kind === kind) && (!vm || job.subject === name)), page);
}

function startBackups(appliance, { body }) {
  const vm = appliance.site.vms.find((candidate) => candidate.id === body.vm);
  return { jobs: [appliance.addJob({ subject: vm ? `${vm.name} on ${vm.host}` : 'all machines', parameters: body })] };
}

function start(kind, subject) {
  return (appliance, { body }) => ({ job: appliance.addJob({ kind, subject, parameters: body ?? {} }) });
}

function checkVmRestore(appliance, { body }) {
  const point = appliance.find('points', 'id', body.point);
  const host = appliance.find('hosts', 'name', body.host);
  const name = body.name ?? (body.keep_id ? point.vm.name : `${point.vm.name} (restored ${point.time.slice(0, 10)})`);
  const isThere = body.keep_id && point.vm.host === host.name;
  const onShare = body.to.startsWith('\\\\');
  const check = (id, result, text, cure = '') => ({ id, result, text, cure });
  const switchOf = (old) => (body.switches ?? []).find((change) => change.from === old)?.to ?? (body.connect ? old : null);
  return {
    can_start: !isThere,
    checks: [
      onShare
        ? check('target', 'good', `the host reads ${body.to}; the VM will run from there`)
        : check('target', 'warning', `only the host can write to ${body.to}: the files will wait on the share until somebody has copied them`, 'The job shows the command to run on the host, and goes on by itself then.'),
      check('version', 'good', `host ${host.name} (build 20348) runs configuration version 9.0`),
      isThere
        ? check('id', 'blocked', `VM ${point.vm.name} (${point.vm.id}) is still on host ${host.name}, and ids are unique there`, 'Restore without --keep-id, beside it; or remove it on the host first.')
        : check('id', 'good', 'the VM gets a new id, beside the original'),
      check('tpm', 'warning', `the VM has a virtual TPM: on host ${host.name} BitLocker will ask for its recovery key`, 'Have the BitLocker recovery keys at hand.'),
      check('network', 'note', `adapter 'Network Adapter', which was on 'LAN', ${switchOf('LAN') ? `is connected to '${switchOf('LAN')}'` : 'stays disconnected'}`),
    ],
    point: point.id,
    host: host.name,
    name,
    keep_id: body.keep_id ?? false,
    target: { path: body.to, share: 'exports', reach: onShare ? 'share' : 'copied' },
    adapters: [{ name: 'Network Adapter', mac: '00155D010203', was_on: 'LAN', switch: switchOf('LAN') }],
    disks: [{ index: 0, name: 'web01.vhdx', virtual_size_bytes: 64424509440 }],
    switches: ['External', 'LAN'],
    bytes_needed: 24696061952,
  };
}

/// As if web01.vhdx were there already, and 60 GiB free.
function checkDiskRestore(appliance, { body: { point: id, disk, to, format = 'vhdx' } }) {
  const point = appliance.find('points', 'id', id);
  const directory = appliance.site.info.restore_directory;
  const needed = (format === 'qcow2' ? 44 : 22) * 1024 ** 3;
  const free = 40 * 1024 ** 3;
  const check = (id, result, text, cure = '') => ({ id, result, text, cure });
  const isPlace = to.startsWith(`${directory}/`);
  const checks = [
    check('point', point.has_known_damage ? 'warning' : 'good', `disk ${disk} of ${point.vm.name}`),
    isPlace
      ? check('place', 'good', `${directory} can be written to`)
      : check('place', 'blocked', `over the network disks are restored into ${directory} only, not to ${to}`, `Name a new file in ${directory}.`),
    ...(isPlace
      ? [
          to.endsWith('/there.img') ? check('file', 'blocked', `${to} exists already`, 'Nothing is overwritten: name another file, or remove this one.') : check('file', 'good', `${to} is new`),
          needed > free
            ? check('space', 'blocked', `40.0 GiB are free, at most 44.0 GiB are needed as ${format}`, 'Make room there, or take another folder or format.')
            : check('space', 'good', `40.0 GiB are free, at most 22.0 GiB are needed as ${format}`),
        ]
      : []),
  ];
  const canStart = checks.every(({ result }) => result !== 'blocked');
  return { can_start: canStart, checks, point: id, disk: Number(disk), to, format, bytes_needed: needed, free_bytes: isPlace ? free : null };
}

const list = (noun) => ({ site }) => ({ [noun]: site[noun], next_cursor: null });
const pages = (noun) => (appliance, { query }) => appliance.page(noun, appliance.site[noun], query);
const find = (noun, key) => (appliance, { path }) => appliance.find(noun, key, path[key]);
const drop = (noun, key) => (appliance, { path }) => appliance.drop(noun, key, path[key]);
const change = (noun, key, fields) => (appliance, request) => Object.assign(appliance.find(noun, key, request.path[key]), fields(request));

export const answers = {
  createSession: logIn,
  getSession: sessionOf,
  confirmSession,
  changePassword: () => undefined,
  listSessions: pages('sessions'),
  endSession: drop('sessions', 'id'),
  lookAtLink,
  redeemLink,
  listUsers: pages('users'),
  addUser,
  changeUser: change('users', 'name', ({ body }) => body),
  removeUser: drop('users', 'name'),
  makeUserLink: () => link(6),
  listTokens: pages('tokens'),
  addToken,
  revokeToken: drop('tokens', 'id'),
  listAudit,
  verifyAudit,
  deleteSession: (appliance) => void (appliance.loggedIn = false),
  listWarnings: ({ site }) => ({ warnings: site.warnings, next_cursor: null }),
  getInfo: ({ site }) => site.info,
  getGrowth: ({ site }) => site.growth,
  listShares: list('shares'),
  addShare,
  removeShare: drop('shares', 'name'),
  issueShareCredentials,
  revokeShareCredentials,
  changeShareSettings,
  listHosts: list('hosts'),
  addHost,
  getHost: find('hosts', 'name'),
  removeHost: drop('hosts', 'name'),
  listHostVms,
  changePolicy: (appliance, { path: { name }, body }) => Object.assign(appliance.find('policies', 'name', name), body),
  changeHost,
  getDoctorReport,
  startDoctor,
  listVms: (appliance, { query }) => appliance.page('vms', appliance.site.vms, query),
  excludeDisk: (_, { body }) => body,
  includeDisk: () => undefined,
  listPoints,
  getPoint: find('points', 'id'),
  deletePoint: drop('points', 'id'),
  protectPoint: change('points', 'id', ({ body }) => ({ protected_until: body.until })),
  holdPoint: change('points', 'id', ({ body }) => ({ hold_reason: body.reason })),
  releasePoint: change('points', 'id', () => ({ hold_reason: null })),
  ...guestAnswers,
  ...searchAnswers,
  ...settingsAnswers,
  listPolicies: list('policies'),
  addPolicy,
  removePolicy: drop('policies', 'name'),
  previewPolicy,
  previewRetention,
  runPolicy: (appliance) => ({ jobs: [appliance.addJob({ subject: 'web01 on hv01' }), appliance.addJob({ subject: 'sql01 on hv02' })] }),
  listJobs,
  getJobHistory,
  getJob: find('jobs', 'id'),
  cancelJob: (appliance, { path }) => ({ job: appliance.find('jobs', 'id', path.id) }),
  retryJob: (appliance, { path }) => ({ job: appliance.addJob({ subject: appliance.find('jobs', 'id', path.id).subject }) }),
  startBackups,
  checkDiskRestore,
  startDiskRestore: start('restore_disk', 'web01 disk 0'),
  downloadDiskImage: (appliance, { path, query: { format = 'vhdx' } }) => {
    const point = appliance.find('points', 'id', path.id);
    return new Download(`${point.vm.name}-disk${path.disk}.${format}`, Buffer.from(`disk ${path.disk} as ${format}`));
  },
  startVmRestore: start('restore_vm', 'web01 to hv02'),
  checkVmRestore,
  startVerification: start('verify', 'points'),
  startGc: start('gc', 'repository'),
  checkCatalog: start('catalog_check', 'repository'),
  rebuildCatalog: start('catalog_rebuild', 'repository'),
  listKeys: list('keys'),
  addKey: ({ site }) => append(site.keys, { number: site.keys.length, kind: 'passphrase', created: ago(0) }),
  changeKey: () => undefined,
  revokeKey: ({ site }, { path }) => void (site.keys = site.keys.filter((key) => String(key.number) !== path.slot)),
};
