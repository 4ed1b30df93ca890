// What the stand-in appliance answers to each operation of the OpenAPI document.
import { ago } from './builders.mjs';

export const kCookie = '__Host-entrepot=session-of-the-test';
export const kCsrf = 'csrf-of-the-test';
export const kToken = 'one-time-token-of-the-test';

export class Refusal extends Error {
  constructor(status, code, detail, hint = '') {
    super(detail);
    this.problem = { type: 'about:blank', title: code, status, detail, code, hint, context: [] };
  }
}

const kSession = { csrf: kCsrf, privilege: 'administrator', expires: ago(-720) };
const kWinrmHint = 'Is WinRM listening? On the host: winrm enumerate winrm/config/listener';

function logIn(appliance, { body }, response) {
  if (body.token !== kToken || appliance.tokenUsed) {
    throw new Refusal(401, 'unauthenticated', 'this link is not valid, or it was used already', 'Restart entrepotd to get a new link.');
  }
  appliance.tokenUsed = true;
  appliance.loggedIn = true;
  response.setHeader('Set-Cookie', `${kCookie}; Path=/; Secure; HttpOnly; SameSite=Strict`);
  return kSession;
}

function append(rows, row) {
  rows.push(row);
  return row;
}

function addHost({ site }, { body: { password: _, ca, ...body } }) {
  const fresh = { created: ago(0), last_contact: null, last_error: null, vm_count: null };
  return append(site.hosts, { user: '', pin: null, share: null, ...body, id: body.name, has_ca: ca !== undefined, ...fresh });
}

function listHostVms(appliance, { path: { name } }) {
  appliance.find('hosts', 'name', name);
  const vms = appliance.site.inventory[name];
  if (!vms) throw new Refusal(502, 'unreachable', `${name} does not answer within 30 s`, kWinrmHint);
  const host = { name, computer_name: name.toUpperCase(), os: 'Windows Server 2022 Standard', os_build: 20348, time: ago(0) };
  return { host, vms, next_cursor: null };
}

function addPolicy({ site }, { body }) {
  const fresh = { created: ago(0), matching_vms: 2, next_runs: [ago(-60)], last_run: null };
  return append(site.policies, { consistency: 'prefer-application', ...body, ...fresh });
}

function previewPolicy(_, { body: { calendar, count = 5 } }) {
  if (!/^[\w*., :/-]+$/.test(calendar) || calendar.includes('nonsense')) {
    throw new Refusal(400, 'usage', `"${calendar}" is not a calendar expression`, 'For example: Mon..Fri 18:30');
  }
  return { time_zone: 'UTC', next_runs: Array.from({ length: count }, (_, index) => ago(-60 - index * 1440)) };
}

function listPoints(appliance, { query }) {
  return appliance.page('points', appliance.site.points.filter((point) => (!query.vm || point.vm.id === query.vm) && (query.host ?? point.vm.host) === point.vm.host), query);
}

function listJobs(appliance, { query: { state, kind, ...page } }) {
  return appliance.page('jobs', appliance.site.jobs.filter((job) => (!state || job.state === state) && (!kind || job.kind === kind)), page);
}

function startBackups(appliance, { body }) {
  const vm = appliance.site.vms.find((candidate) => candidate.id === body.vm);
  return { jobs: [appliance.addJob({ subject: vm ? `${vm.name} on ${vm.host}` : 'all machines', parameters: body })] };
}

function start(kind, subject) {
  return (appliance, { body }) => ({ job: appliance.addJob({ kind, subject, parameters: body ?? {} }) });
}

const list = (noun) => ({ site }) => ({ [noun]: site[noun], next_cursor: null });
const find = (noun, key) => (appliance, { path }) => appliance.find(noun, key, path[key]);
const drop = (noun, key) => (appliance, { path }) => appliance.drop(noun, key, path[key]);
const change = (noun, key, fields) => (appliance, request) => Object.assign(appliance.find(noun, key, request.path[key]), fields(request));

export const answers = {
  createSession: logIn,
  getSession: () => kSession,
  deleteSession: (appliance) => void (appliance.loggedIn = false),
  getInfo: ({ site }) => site.info,
  listShares: list('shares'),
  addShare: ({ site }, { body }) => append(site.shares, { ...body, created: ago(0) }),
  removeShare: drop('shares', 'name'),
  listHosts: list('hosts'),
  addHost,
  getHost: find('hosts', 'name'),
  removeHost: drop('hosts', 'name'),
  listHostVms,
  listVms: (appliance, { query }) => appliance.page('vms', appliance.site.vms, query),
  excludeDisk: (_, { body }) => body,
  includeDisk: () => undefined,
  listPoints,
  getPoint: find('points', 'id'),
  deletePoint: drop('points', 'id'),
  protectPoint: change('points', 'id', ({ body }) => ({ protected_until: body.until })),
  holdPoint: change('points', 'id', ({ body }) => ({ hold_reason: body.reason })),
  releasePoint: change('points', 'id', () => ({ hold_reason: null })),
  listPolicies: list('policies'),
  addPolicy,
  removePolicy: drop('policies', 'name'),
  previewPolicy,
  runPolicy: (appliance) => ({ jobs: [appliance.addJob({ subject: 'web01 on hv01' }), appliance.addJob({ subject: 'sql01 on hv02' })] }),
  listJobs,
  getJob: find('jobs', 'id'),
  cancelJob: (appliance, { path }) => ({ job: appliance.find('jobs', 'id', path.id) }),
  retryJob: (appliance, { path }) => ({ job: appliance.addJob({ subject: appliance.find('jobs', 'id', path.id).subject }) }),
  startBackups,
  startDiskRestore: start('restore_disk', 'web01 disk 0'),
  startVerification: start('verify', 'points'),
  startGc: start('gc', 'repository'),
  checkCatalog: start('catalog_check', 'repository'),
  rebuildCatalog: start('catalog_rebuild', 'repository'),
  listKeys: list('keys'),
  addKey: ({ site }) => append(site.keys, { number: site.keys.length, kind: 'passphrase', created: ago(0) }),
  changeKey: () => undefined,
  revokeKey: ({ site }, { path }) => void (site.keys = site.keys.filter((key) => String(key.number) !== path.slot)),
};
