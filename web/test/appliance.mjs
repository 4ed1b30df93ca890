// A stand-in for the appliance: serves web/dist with the daemon's content security policy and answers
// the REST interface from fixtures. Every request and answer is checked against the OpenAPI document.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { answers, kCookie, kCsrf } from './answers.mjs';
import { faults, findOperation, parametersOf, roles, successOf } from './contract.mjs';
import { ago, makeJob } from './builders.mjs';
import { Download } from './guest_files.mjs';
import { Refusal } from './refusal.mjs';

const kDist = fileURLToPath(new URL('../dist/', import.meta.url));
const kTypes = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

function policyOfTheDaemon() {
  const header = readFileSync(new URL('../assets.h', import.meta.url), 'utf8');
  const text = /kContentSecurityPolicy =\s*((?:"[^"]*"\s*)+);/.exec(header)[1];
  return [...text.matchAll(/"([^"]*)"/g)].map((match) => match[1]).join('');
}

export class Appliance {
  requests = []; // What the console sent, in order.
  faults = []; // Breaches of the contract, on either side.
  streams = new Set();
  loggedIn = false;
  usedTokens = new Set();
  confirmed = true; // The password was given a short time ago.
  privilege = 'administrator';

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
      response
        .writeHead(200, {
          'Content-Type': kTypes[extname(file)],
          'Content-Security-Policy': policyOfTheDaemon(),
          'X-Content-Type-Options': 'nosniff',
        })
        .end(content);
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
      if (roles.indexOf(this.privilege) < roles.indexOf(operation['x-privilege']))
        throw new Refusal(403, 'access_denied', `this needs the privilege "${operation['x-privilege']}"`);
      if (request.method !== 'GET' && request.headers['x-entrepot-csrf'] !== kCsrf)
        throw new Refusal(403, 'access_denied', 'the CSRF header is missing or wrong');
      if (operation['x-confirm'] && !this.confirmed)
        throw new Refusal(403, 'access_denied', 'this asks for your password again', '', 'urn:entrepot:error:confirmation_required');
    }
    const query = this.readQuery(operation, url);
    const body = await this.readBody(operation, request);
    this.requests.push({ name: operation.operationId, path, query, body, key: request.headers['idempotency-key'] });
    if (operation.operationId === 'followEvents') return this.openStream(response);
    const answer = this.answer(operation.operationId, { path, query, body }, response);
    if (answer instanceof Download) return answer.send(response);
    const { status, schema } = successOf(operation);
    const wrong = schema ? faults(schema, answer) : '';
    if (wrong) this.faults.push(`answer of ${operation.operationId}: ${wrong}`);
    response
      .writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
      .end(schema ? JSON.stringify(answer) : undefined);
  }

  readQuery(operation, url) {
    const query = {};
    // To the daemon a plus is a plus; URLSearchParams here would take it for a space.
    if (url.search.includes('+')) this.faults.push(`${operation.operationId}: a space in a query is %20`);
    const known = new Map(
      parametersOf(operation)
        .filter((parameter) => parameter.in === 'query')
        .map((parameter) => [parameter.name, parameter]),
    );
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
    const job = makeJob(`job-new-${this.site.jobs.length}`, {
      state: 'queued',
      stage: '',
      done_bytes: 0,
      total_bytes: 0,
      requested_by: 'console',
      created: ago(0),
      started: null,
      ended: null,
      result: null,
      ...fields,
    });
    this.site.jobs.unshift(job);
    for (const stream of this.streams) this.send(stream, job);
    return { ...job };
  }

  drop(noun, key, value) {
    this.find(noun, key, value);
    this.site[noun] = this.site[noun].filter((row) => row[key] !== value);
  }

  answer(name, request, response) {
    if (!answers[name]) throw new Error(`the stand-in does not answer ${name}`);
    return answers[name](this, request, response);
  }
}
