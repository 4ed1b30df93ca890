// The typed client of the REST interface: every call names an operation of the OpenAPI document.
import { operations, privileges, starters, type Operations, type Problem, type Session } from './generated/api';

export type Name = keyof Operations;
type Arguments<K extends Name> = {
  path?: Operations[K]['path'];
  query?: Operations[K]['query'];
  body?: Operations[K]['body'];
  signal?: AbortSignal;
};

const kBase = '/api/v1';
let csrf = '';
let onLoggedOut: () => void = () => undefined;
let askPassword: () => Promise<boolean> = () => Promise.resolve(false);
let session: Session | null = null;
/// Their refusals are answers to what a person typed, not the end of a session.
const kEntrances: ReadonlySet<Name> = new Set<Name>(['createSession', 'getSession', 'lookAtLink', 'redeemLink']);
const kConfirmation = 'urn:entrepot:error:confirmation_required';

/// A refusal of the appliance, or of the network on the way to it.
export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

export function problemOf(error: unknown): Problem {
  if (error instanceof ApiError) return error.problem;
  const detail = error instanceof Error ? error.message : String(error);
  return { type: 'about:blank', title: '', status: 0, detail, code: 'unreachable', hint: '', context: [] };
}

function urlOf(template: string, path: Record<string, unknown>, query: Record<string, unknown>): string {
  const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(path[name])));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, String(value));
  }
  // URLSearchParams writes a space as a form does; to the appliance a plus is a plus.
  const tail = search.toString().replaceAll('+', '%20');
  return kBase + filled + (tail ? `?${tail}` : '');
}

async function problemFrom(response: Response): Promise<Problem> {
  const empty = {
    type: 'about:blank',
    title: response.statusText,
    status: response.status,
    detail: response.statusText,
    code: 'internal',
    hint: '',
    context: [],
  };
  try {
    return { ...empty, ...((await response.json()) as Partial<Problem>) };
  } catch {
    return empty;
  }
}

/// What starts jobs has a key: sent again, because the answer was lost on the way or the password was asked for, it starts none twice.
export function call<K extends Name>(name: K, args: Arguments<K> = {}): Promise<Operations[K]['answer']> {
  return send(name, args, operations[name].isOnce ? crypto.randomUUID() : '');
}

async function fetchOnce(address: string, request: RequestInit, isOnce: boolean): Promise<Response> {
  try {
    return await fetch(address, request);
  } catch (error) {
    if (!isOnce || request.signal?.aborted) throw error;
    return fetch(address, request);
  }
}

async function send<K extends Name>(name: K, args: Arguments<K>, key: string): Promise<Operations[K]['answer']> {
  const { method, path } = operations[name];
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (args.body !== undefined) headers['Content-Type'] = 'application/json';
  if (method !== 'GET') headers['X-Entrepot-CSRF'] = csrf;
  if (key) headers['Idempotency-Key'] = key;
  const request: RequestInit = {
    method,
    headers,
    credentials: 'same-origin',
    cache: 'no-store',
    redirect: 'error',
    body: args.body === undefined ? null : JSON.stringify(args.body),
    signal: args.signal ?? null,
  };
  const response = await fetchOnce(urlOf(path, args.path ?? {}, args.query ?? {}), request, key !== '');
  if (response.status === 401 && !kEntrances.has(name)) onLoggedOut();
  if (!response.ok) {
    const problem = await problemFrom(response);
    // What destroys or reveals: give the password, and the same request goes out once more.
    if (problem.type === kConfirmation && (await askPassword())) return send(name, args, key);
    throw new ApiError(problem);
  }
  if (response.status === 204) return undefined as Operations[K]['answer'];
  return (await response.json()) as Operations[K]['answer'];
}

/// For lists that are short by what they list: hosts, shares, policies.
export const kAll = { limit: 1000 };

/// All pages of a list, up to a bound that keeps the browser usable.
export async function callAll<T>(
  load: (cursor: string | undefined) => Promise<{ rows: T[]; next: string | null }>,
): Promise<T[]> {
  const kPagesMax = 20;
  const all: T[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < kPagesMax; ++page) {
    const { rows, next } = await load(cursor);
    all.push(...rows);
    if (next === null) break;
    cursor = next;
  }
  return all;
}

export function loadAllVms(signal: AbortSignal) {
  return callAll(async (cursor) => {
    const page = await call('listVms', { query: { limit: 1000, cursor }, signal });
    return { rows: page.vms, next: page.next_cursor };
  });
}

/// The host answers once more for each page; one holds all but always.
export async function loadHostVms(name: string, signal: AbortSignal) {
  const first = await call('listHostVms', { path: { name }, signal });
  const more = await callAll(async (cursor) => {
    const from = cursor ?? first.next_cursor;
    if (from === null) return { rows: [], next: null };
    const page = await call('listHostVms', { path: { name }, query: { cursor: from }, signal });
    return { rows: page.vms, next: page.next_cursor };
  });
  return { host: first.host, vms: [...first.vms, ...more].sort((a, b) => a.name.localeCompare(b.name)) };
}

function remember(fresh: Session): Session {
  csrf = fresh.csrf;
  session = fresh;
  return fresh;
}

/// Who is logged in; null before.
export function currentSession(): Session | null {
  return session;
}

export function isAdministrator(): boolean {
  return session?.privilege === 'administrator';
}

/// Whether the role of the session is enough for an operation: what is not allowed is not offered. The appliance decides.
export function may(name: Name): boolean {
  return privileges.indexOf(session?.privilege ?? 'none') >= privileges.indexOf(operations[name].privilege);
}

/// Whether the role may start jobs of a kind, and so repeat one.
export function mayStart(kind: string): boolean {
  const starter = starters[kind];
  return starter !== undefined && may('retryJob') && may(starter);
}

/// An operator ends any job; others what they could have started.
export function mayCancel(kind: string): boolean {
  return may('cancelJob') && (privileges.indexOf(session?.privilege ?? 'none') >= privileges.indexOf('operator') || mayStart(kind));
}

/// The least role that an operation takes.
export function roleFor(name: Name): (typeof privileges)[number] {
  return operations[name].privilege;
}

/// Where the browser itself gets what an operation gives: for downloads.
export function addressOf<K extends Name>(name: K, { path, query }: Pick<Arguments<K>, 'path' | 'query'>): string {
  return urlOf(operations[name].path, path ?? {}, query ?? {});
}

/// The session of this browser, or null if there is none.
export async function findSession(): Promise<Session | null> {
  try {
    return remember(await call('getSession'));
  } catch (error) {
    if (problemOf(error).status === 401) return null;
    throw error;
  }
}

export async function logIn(name: string, password: string): Promise<Session> {
  return remember(await call('createSession', { body: { name, password } }));
}

/// Spends a one-time link: the first administrator, or a password that its user chooses.
export async function redeemLink(token: string, name: string, password: string): Promise<Session> {
  return remember(await call('redeemLink', { body: { token, name, password } }));
}

export async function logOut(): Promise<void> {
  await call('deleteSession');
  csrf = '';
  session = null;
  onLoggedOut();
}

/// `ask` resolves to true when the password was given again.
export function whenUnconfirmed(ask: () => Promise<boolean>): void {
  askPassword = ask;
}

/// The appliance ended the session: for those who hear of it in another way than by a refused call.
export function sessionEnded(): void {
  onLoggedOut();
}

export function whenLoggedOut(action: () => void): void {
  onLoggedOut = action;
}

/// Has the browser save what an address gives; the appliance names the file, in the head of its answer.
export function save(address: string): void {
  const link = document.createElement('a');
  link.href = address;
  link.download = '';
  link.click();
}
