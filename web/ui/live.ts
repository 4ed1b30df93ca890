// Jobs as they happen: one event stream for the whole console, with rates worked out on this side.
import { useEffect, useReducer } from 'preact/hooks';
import { findSession, sessionEnded } from './api';
import type { Job, JobState } from './generated/api';

type Sample = { at: number; bytes: number };
export type LiveJob = { job: Job; rate: number | null; remainingSeconds: number | null };

const kRateWindowMs = 20_000;
const kSamplesMax = 200;
const kReconnectMs = 5_000;
const kJobsMax = 2_000;
const kRedrawMs = 250;
const kReloadMs = 700;

const jobs = new Map<string, Job>();
const samples = new Map<string, { stage: string; points: Sample[] }>();
const listeners = new Set<(ended: boolean) => void>();
let source: EventSource | null = null;
let connected = true;
let retry: ReturnType<typeof setTimeout> | undefined;

export function isActive(state: JobState): boolean {
  return state === 'queued' || state === 'running';
}

function notify(ended: boolean): void {
  for (const listener of [...listeners]) listener(ended);
}

function sample(job: Job): void {
  let entry = samples.get(job.id);
  if (!entry || entry.stage !== job.stage) {
    entry = { stage: job.stage, points: [] };
    samples.set(job.id, entry);
  }
  const now = performance.now();
  entry.points.push({ at: now, bytes: job.done_bytes });
  while (entry.points.length > kSamplesMax || (entry.points.length > 2 && now - entry.points[0]!.at > kRateWindowMs)) {
    entry.points.shift();
  }
}

function accept(job: Job): void {
  const before = jobs.get(job.id);
  const ended = !isActive(job.state) && (!before || isActive(before.state));
  if (!before && jobs.size >= kJobsMax) jobs.delete(jobs.keys().next().value as string);
  jobs.set(job.id, job);
  if (isActive(job.state)) sample(job);
  else samples.delete(job.id);
  notify(ended);
}

function setConnected(value: boolean): void {
  if (connected === value) return;
  connected = value;
  if (value) {
    // What ended while we were away is unknown: what still runs is sent again, the rest is read again.
    for (const job of [...jobs.values()]) if (isActive(job.state)) jobs.delete(job.id);
  }
  notify(value);
}

export function startEvents(): void {
  stopEvents();
  source = new EventSource('/api/v1/events');
  source.addEventListener('open', () => setConnected(true));
  source.addEventListener('job', (event) => accept(JSON.parse((event as MessageEvent<string>).data) as Job));
  source.addEventListener('error', () => {
    setConnected(false);
    if (source?.readyState !== EventSource.CLOSED) return;
    retry = setTimeout(
      () =>
        void findSession().then(
          // The stream ends with the session, and the page must say so.
          (session) => (session ? startEvents() : sessionEnded()),
          () => startEvents(),
        ),
      kReconnectMs,
    );
  });
}

export function stopEvents(): void {
  clearTimeout(retry);
  source?.close();
  source = null;
}

export function withRate(job: Job): LiveJob {
  const points = samples.get(job.id)?.points ?? [];
  const first = points[0];
  const last = points[points.length - 1];
  if (job.state !== 'running' || !first || !last || last.at - first.at < 1_000 || last.bytes <= first.bytes) {
    return { job, rate: null, remainingSeconds: null };
  }
  const rate = ((last.bytes - first.bytes) * 1_000) / (last.at - first.at);
  const left = job.total_bytes - job.done_bytes;
  return { job, rate, remainingSeconds: job.total_bytes > 0 && left >= 0 ? left / rate : null };
}

/// Draws the caller again when something came over the stream, at most four times a second.
export function useLive(): { connected: boolean } {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const listener = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        redraw(undefined);
      }, kRedrawMs);
    };
    listeners.add(listener);
    return () => {
      clearTimeout(timer);
      listeners.delete(listener);
    };
  }, []);
  return { connected };
}

/// Calls `action` soon after a job ended, once for many that end together.
export function useJobsEnded(action: (() => void) | undefined): void {
  useEffect(() => {
    if (!action) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const listener = (ended: boolean) => {
      if (!ended || timer !== undefined) return;
      timer = setTimeout(() => {
        timer = undefined;
        action();
      }, kReloadMs);
    };
    listeners.add(listener);
    return () => {
      clearTimeout(timer);
      listeners.delete(listener);
    };
  }, [action]);
}

export function newestJobState(job: Job): Job {
  const live = jobs.get(job.id);
  if (!isActive(job.state)) return job;
  // The stream carries no log: keep the one that was read.
  return live ? { ...live, events: live.events.length > 0 ? live.events : job.events } : job;
}

export function activeJobs(): Job[] {
  return [...jobs.values()].filter((job) => isActive(job.state)).sort((a, b) => (a.created < b.created ? 1 : -1));
}

/// A list that was read, with what the stream knows since: newest first.
export function mergeJobs(read: Job[], accepts: (job: Job) => boolean): Job[] {
  const merged = new Map(read.map((job) => [job.id, newestJobState(job)]));
  const oldest = read[read.length - 1]?.created ?? '';
  for (const job of jobs.values()) {
    if (!merged.has(job.id) && job.created >= oldest) merged.set(job.id, job);
  }
  return [...merged.values()].filter(accepts).sort((a, b) => (a.created < b.created ? 1 : a.created > b.created ? -1 : 0));
}
