// A stand-in for the appliance: serves web/dist with the daemon's content security policy and answers
// the REST interface from fixtures. Every request and answer is checked against the OpenAPI document.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { faults, findOperation, parametersOf, successOf } from './contract.mjs';
import { ago, makeJob } from './fixtures.mjs';

const kDist = fileURLToPath(new URL('../dist/', import.meta.url));
const kTypes = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml' };
const kCookie = '__Host-entrepot=session-of-the-test';
const kCsrf = 'csrf-of-the-test';
export const kToken = 'one-time-token-of-the-test';

function policyOfTheDaemon() {
  const header = readFileSync(new URL('../assets.h', import.meta.url), 'utf8');
  const text = /kContentSecurityPolicy =\s*((?:"[^"]*"\s*)+);/.exec(header)[1];
  return [...text.matchAll(/"([^"]*)"/g)].map((match) => match[1]).join('');
}

class Refusal extends Error {
  constructor(status, code, detail, hint = '') {
    super(detail);
    this.problem = { type: 'about:blank', title: code, status, detail, code, hint, context: [] };
  }
}

export class Appliance {
  requests = [];  // What the console sent, in order.
  faults = [];    // Breaches of the contract, on either side.
  streams = new Set();
  loggedIn = false;
  tokenUsed = false;

  constructor(site, { loggedIn = true } = {}) {
    this.site = site;
    this.loggedIn = loggedIn;
    this.openByDefault = loggedIn;
    this.server = createServer((request, response) => void this.serve(request, response));
  }

  async listen() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.origin = `http://localhost:${this.server.address().port}`;
    return this;
  }

  async close() {
    for (const stream of this.streams) stream.end();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /// Changes a job and tells every console that listens.
  update(id, fields) {
    const job = this.site.jobs.find((candidate) => candidate.id === id);
    Object.assign(job, fields);
    for (const stream of this.streams) this.send(stream, job);
  }

  send(stream, job) {
    stream.write(`event: job\ndata: ${JSON.stringify({ ...job, events: [] })}\n\n`);
  }

  async serve(request, response) {
    const url = new URL(request.url, this.origin);
    if (!url.pathname.startsWith('/api/v1/')) return this.serveFile(url.pathname, response);
    try {
      await this.serveApi(request, response, url);
    } catch (error) {
      if (!(error instanceof Refusal)) this.faults.push(`${request.method} ${url.pathname}: ${error.stack}`);
      const problem = error.problem ?? new Refusal(500, 'internal', String(error)).problem;
      response.writeHead(problem.status, { 'Content-Type': 'application/problem+json' }).end(JSON.stringify(problem));
    }
  }

  serveFile(path, response) {
    const file = path === '/' ? 'index.html' : normalize(path).slice(1);
    try {
      const content = readFileSync(join(kDist, file));
      response.writeHead(200, { 'Content-Type': kTypes[extname(file)], 'Content-Security-Policy': policyOfTheDaemon(), 'X-Content-Type-Options': 'nosniff' }).end(content);
    } catch {
      response.writeHead(404).end();
    }
  }

  async serveApi(request, response, url) {
    const found = findOperation(request.method, url.pathname.slice('/api/v1'.length));
    if (!found) throw new Refusal(404, 'not_found', `no such resource: ${request.method} ${url.pathname}`);
    const { operation, path } = found;
    const hasSession = this.openByDefault ? this.loggedIn : this.loggedIn && (request.headers.cookie ?? '').includes(kCookie);
    if (operation['x-privilege'] !== 'none') {
      if (!hasSession) throw new Refusal(401, 'unauthenticated', 'log in first');
      if (request.method !== 'GET' && request.headers['x-entrepot-csrf'] !== kCsrf) throw new Refusal(403, 'access_denied', 'the CSRF header is missing or wrong');
    }
    const query = this.readQuery(operation, url);
    const body = await this.readBody(operation, request);
    this.requests.push({ name: operation.operationId, path, query, body });
    if (operation.operationId === 'followEvents') return this.openStream(response);
    const answer = this.answer(operation.operationId, { path, query, body }, response);
    const { status, schema } = successOf(operation);
    const wrong = schema ? faults(schema, answer) : '';
    if (wrong) this.faults.push(`answer of ${operation.operationId}: ${wrong}`);
    response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }).end(schema ? JSON.stringify(answer) : undefined);
  }

  readQuery(operation, url) {
    const query = {};
    const known = new Map(parametersOf(operation).filter((parameter) => parameter.in === 'query').map((parameter) => [parameter.name, parameter]));
    for (const [name, text] of url.searchParams) {
      const value = known.get(name)?.schema.type === 'integer' ? Number(text) : text;
      const wrong = known.has(name) ? faults(known.get(name).schema, value) : 'not in the document';
      if (wrong) this.faults.push(`${operation.operationId}, query ${name}: ${wrong}`);
      query[name] = value;
    }
    return query;
  }

  async readBody(operation, request) {
    const parts = [];
    for await (const part of request) parts.push(part);
    const text = Buffer.concat(parts).toString('utf8');
    if (!operation.requestBody) {
      if (text) this.faults.push(`${operation.operationId}: a body where none is expected`);
      return null;
    }
    const body = JSON.parse(text);
    const wrong = faults(operation.requestBody.content['application/json'].schema, body);
    if (wrong) throw new Refusal(422, 'invalid', wrong);
    return body;
  }

  openStream(response) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.write('event: ping\ndata: {}\n\n');
    for (const job of this.site.jobs) if (job.state === 'running' || job.state === 'queued') this.send(response, job);
    this.streams.add(response);
    response.on('close', () => this.streams.delete(response));
  }

  page(noun, rows, { limit = 100, cursor = '0' }) {
    const begin = Number(cursor);
    const next = begin + limit < rows.length ? String(begin + limit) : null;
    return { [noun]: rows.slice(begin, begin + limit), next_cursor: next };
  }

  find(noun, key, value) {
    const row = this.site[noun].find((candidate) => candidate[key] === value);
    if (!row) throw new Refusal(404, 'not_found', `no ${noun} of the name ${value}`);
    return row;
  }

  addJob(fields) {
    const job = makeJob(`job-new-${this.site.jobs.length}`, { state: 'queued', stage: '', done_bytes: 0, total_bytes: 0, requested_by: 'console', created: ago(0), started: null, ended: null, result: null, ...fields });
    this.site.jobs.unshift(job);
    for (const stream of this.streams) this.send(stream, job);
    return { ...job };
  }

  drop(noun, key, value) {
    this.find(noun, key, value);
    this.site[noun] = this.site[noun].filter((row) => row[key] !== value);
  }

  logIn(token, response) {
    if (token !== kToken || this.tokenUsed) throw new Refusal(401, 'unauthenticated', 'this link is not valid, or it was used already', 'Restart entrepotd to get a new link.');
    this.tokenUsed = true;
    this.loggedIn = true;
    response.setHeader('Set-Cookie', `${kCookie}; Path=/; Secure; HttpOnly; SameSite=Strict`);
    return this.session();
  }

  session() {
    return { csrf: kCsrf, privilege: 'administrator', expires: ago(-720) };
  }

  answer(name, { path, query, body }, response) {
    const { site } = this;
    switch (name) {
      case 'createSession': return this.logIn(body.token, response);
      case 'getSession': return this.session();
      case 'deleteSession': this.loggedIn = false; return undefined;
      case 'getInfo': return site.info;
      case 'listShares': return { shares: site.shares, next_cursor: null };
      case 'addShare': site.shares.push({ ...body, created: ago(0) }); return site.shares.at(-1);
      case 'removeShare': return this.drop('shares', 'name', path.name);
      case 'listHosts': return { hosts: site.hosts, next_cursor: null };
      case 'addHost': return this.addHost(body);
      case 'getHost': return this.find('hosts', 'name', path.name);
      case 'removeHost': return this.drop('hosts', 'name', path.name);
      case 'listHostVms': return this.inventory(path.name);
      case 'listVms': return this.page('vms', site.vms, query);
      case 'excludeDisk': return body;
      case 'includeDisk': return undefined;
      case 'listPoints': return this.page('points', site.points.filter((point) => !query.vm || point.vm.id === query.vm), query);
      case 'getPoint': return this.find('points', 'id', path.id);
      case 'deletePoint': return this.drop('points', 'id', path.id);
      case 'protectPoint': return Object.assign(this.find('points', 'id', path.id), { protected_until: body.until });
      case 'holdPoint': return Object.assign(this.find('points', 'id', path.id), { hold_reason: body.reason });
      case 'releasePoint': return Object.assign(this.find('points', 'id', path.id), { hold_reason: null });
      case 'listPolicies': return { policies: site.policies, next_cursor: null };
      case 'addPolicy': site.policies.push({ consistency: 'prefer-application', ...body, created: ago(0), matching_vms: 2, next_runs: [ago(-60)], last_run: null }); return site.policies.at(-1);
      case 'removePolicy': return this.drop('policies', 'name', path.name);
      case 'previewPolicy': return this.preview(body);
      case 'runPolicy': return { jobs: [this.addJob({ subject: 'web01 on hv01' }), this.addJob({ subject: 'sql01 on hv02' })] };
      case 'listJobs': return this.page('jobs', site.jobs.filter((job) => (!query.state || job.state === query.state) && (!query.kind || job.kind === query.kind)), query);
      case 'getJob': return this.find('jobs', 'id', path.id);
      case 'cancelJob': return { job: this.find('jobs', 'id', path.id) };
      case 'retryJob': return { job: this.addJob({ subject: this.find('jobs', 'id', path.id).subject }) };
      case 'startBackups': return { jobs: [this.addJob({ subject: this.subjectOf(body), parameters: body })] };
      case 'startDiskRestore': return { job: this.addJob({ kind: 'restore_disk', subject: body.point, parameters: body }) };
      case 'startVerification': return { job: this.addJob({ kind: 'verify', subject: 'points', parameters: body }) };
      case 'startGc': return { job: this.addJob({ kind: 'gc', subject: 'repository', parameters: body }) };
      case 'listKeys': return { keys: site.keys, next_cursor: null };
      case 'addKey': site.keys.push({ number: site.keys.length, kind: 'passphrase', created: ago(0) }); return site.keys.at(-1);
      default: throw new Error(`the stand-in does not answer ${name}`);
    }
  }

  subjectOf(body) {
    const vm = this.site.vms.find((candidate) => candidate.id === body.vm);
    return vm ? `${vm.name} on ${vm.host}` : 'all machines';
  }

  addHost({ password: _, ca, ...body }) {
    this.site.hosts.push({ user: '', pin: null, share: null, ...body, id: body.name, has_ca: ca !== undefined, created: ago(0), last_contact: null, last_error: null, vm_count: null });
    return this.site.hosts.at(-1);
  }

  inventory(name) {
    this.find('hosts', 'name', name);
    if (!this.site.inventory[name]) throw new Refusal(502, 'unreachable', `${name} does not answer within 30 s`, 'Is WinRM listening? On the host: winrm enumerate winrm/config/listener');
    return { host: { name, computer_name: name.toUpperCase(), os: 'Windows Server 2022 Standard', os_build: 20348, time: ago(0) }, vms: this.site.inventory[name], next_cursor: null };
  }

  preview({ calendar, count = 5 }) {
    if (!/^[\w*., :/-]+$/.test(calendar) || calendar.includes('nonsense')) throw new Refusal(400, 'usage', `"${calendar}" is not a calendar expression`, 'For example: Mon..Fri 18:30');
    return { time_zone: 'UTC', next_runs: Array.from({ length: count }, (_, index) => ago(-60 - index * 1440)) };
  }
}
