// Speaks to the real daemon without a browser: what a stranger gets, what the session's token guards,
// and whether every GET route answers as appliance/api/openapi.json says.
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { api, faults, findOperation, paths, successOf } from './contract.mjs';

const kBase = '/api/v1';
const kProblem = { $ref: '#/components/schemas/Problem' };
const kEventPatienceMs = 20_000;
// What interfaces.md lets answer without a session.
const kOpen = new Set(['GET /openapi.json', 'POST /session', 'POST /setup', 'POST /setup/look']);

/// One exchange over HTTPS, or over the local socket if `where` has one: {status, headers, body}.
export function send(where, method, path, { headers = {}, body } = {}) {
  const begin = where.socket
    ? (options, done) => httpRequest({ ...options, socketPath: where.socket, headers: { Host: 'localhost', ...options.headers } }, done)
    : (options, done) => httpsRequest(where.origin + path, { ...options, rejectUnauthorized: false }, done);
  const content = body === undefined ? undefined : JSON.stringify(body);
  const length = content === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(content) };
  return new Promise((resolve, reject) => {
    const request = begin({ method, path, agent: false, headers: { ...length, ...headers } }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts).toString('utf8') }),
      );
    });
    request.on('error', reject);
    request.end(content);
  });
}

function checkProblem(answer, status, what) {
  assert.equal(answer.status, status, `${what}: ${answer.body}`);
  assert.match(answer.headers['content-type'], /^application\/problem\+json/, what);
  assert.equal(faults(kProblem, JSON.parse(answer.body)), '', what);
}

/// Without a session nothing answers but the listed routes and the probes.
export async function checkStrangers(where) {
  let refused = 0;
  for (const [template, methods] of paths) {
    for (const method of Object.keys(methods).map((name) => name.toUpperCase())) {
      if (kOpen.has(`${method} ${template}`)) continue;
      const path = kBase + template.replace(/\{\w+\}/g, '1');
      checkProblem(await send(where, method, path), 401, `${method} ${path} without a session`);
      ++refused;
    }
  }
  assert.ok(refused > 40, `only ${refused} routes were asked`);
  checkProblem(await send(where, 'GET', '/metrics'), 401, '/metrics without a session');
  assert.equal((await send(where, 'GET', '/healthz')).status, 200);
  assert.equal((await send(where, 'GET', '/readyz')).status, 200);
  assert.equal(JSON.parse((await send(where, 'GET', `${kBase}/openapi.json`)).body).openapi, api.openapi);
}

/// A changing request needs the session's token, and must not come from another site.
export async function checkForgery(where, cookie, csrf) {
  const name = 'forged';
  const body = { name, vms: ['*'], calendar: 'daily', retention: { keep_last: 1 } };
  const add = (headers) => send(where, 'POST', `${kBase}/policies`, { headers: { Cookie: cookie, ...headers }, body });
  checkProblem(await add({}), 403, 'no token');
  checkProblem(await add({ 'X-Entrepot-CSRF': '0'.repeat(64) }), 403, 'a wrong token');
  checkProblem(await add({ 'X-Entrepot-CSRF': csrf, Origin: 'https://elsewhere.example' }), 403, 'another origin');
  checkProblem(await add({ 'X-Entrepot-CSRF': csrf, 'Sec-Fetch-Site': 'cross-site' }), 403, 'another site');
  checkProblem(await send(where, 'GET', `${kBase}/policies/${name}`, { headers: { Cookie: cookie } }), 404, 'nothing was added');
}

/// Asks every GET route of the document; `samples` has by template the values of its path parameter, or of all in order
/// with those of the query as an object at the end. A route that needs neither has none.
export async function checkContract(where, headers, samples) {
  let asked = 0;
  for (const [template, methods] of paths) {
    if (!methods.get || ['/events', '/openapi.json', '/audit/export'].includes(template)) continue;
    const values = samples[template] ?? (/\{/.test(template) ? [] : ['']);
    assert.ok(values.length, `no sample for ${template}`);
    for (const value of values) {
      const parameters = [value].flat();
      const filled = template.replace(/\{\w+\}/g, () => encodeURIComponent(parameters.shift()));
      const query = parameters.flatMap(Object.entries).map(([name, text]) => `${name}=${encodeURIComponent(text)}`);
      const path = kBase + filled + (query.length > 0 ? `?${query.join('&')}` : '');
      const answer = await send(where, 'GET', path, { headers });
      const { status, schema } = successOf(methods.get);
      assert.equal(answer.status, status, `GET ${path}: ${answer.body}`);
      if (schema) assert.equal(faults(schema, JSON.parse(answer.body)), '', `GET ${path}`);
    }
    ++asked;
  }
  assert.ok(asked >= 14, `only ${asked} routes were asked`);
}

/// What a page got while a person used it; '' if it is as the document says.
export function faultsOfAnswer(method, url, status, text) {
  const path = new URL(url).pathname;
  if (!path.startsWith(kBase) || path === `${kBase}/events` || path === `${kBase}/openapi.json`) return '';
  const found = findOperation(method, path.slice(kBase.length));
  if (!found) return `${method} ${path} is not in the document`;
  const success = successOf(found.operation);
  if (status >= 400) return faults(kProblem, JSON.parse(text));
  if (status !== success.status) return `${status}, not ${success.status}`;
  return success.schema ? faults(success.schema, JSON.parse(text)) : '';
}

/// The first event of a stream that tells of the job. Fails if the stream stays silent about it.
export function firstEventOf(where, headers, id) {
  return new Promise((resolve, reject) => {
    let text = '';
    const request = httpsRequest(`${where.origin}${kBase}/events`, { rejectUnauthorized: false, agent: false, headers }, (response) => {
      response.on('data', (part) => {
        text += part;
        for (const block of text.split('\n\n').slice(0, -1)) {
          const data = /^event: job\ndata: (.*)$/.exec(block)?.[1];
          if (!data || JSON.parse(data).id !== id) continue;
          clearTimeout(timer);
          request.destroy();
          resolve(JSON.parse(data));
        }
      });
    });
    const timer = setTimeout(() => {
      request.destroy();
      reject(new Error(`the stream did not tell of job ${id}: ${text}`));
    }, kEventPatienceMs);
    request.on('error', reject);
    request.end();
  });
}
