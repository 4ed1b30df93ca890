// The last runs of one machine: a bar for each, its height how long it took, its colour how it ended. Each leads to its job.
import { call } from '../api';
import * as format from '../format';
import type { Job } from '../generated/api';
import { isActive } from '../live';
import { useResource } from '../resource';
import { href } from '../router';
import { text } from '../text';

const kRuns = 30;
const kBarHeight = 48;
const kBarMin = 4;
const kLooks: Partial<Record<Job['state'], string>> = { done: 'bar-done', failed: 'bar-failed', partly: 'bar-failed', interrupted: 'bar-failed' };

type Vm = { id: string; host: string };

function secondsOf(job: Job): number {
  return job.started && job.ended ? Math.max(0, (Date.parse(job.ended) - Date.parse(job.started)) / 1000) : 0;
}

export function RunChart({ vm, current }: { vm: Vm; current?: string }) {
  const runs = useResource(
    (signal) => call('listJobs', { query: { vm: vm.id, host: vm.host, kind: 'backup', limit: kRuns }, signal }),
    [vm.id, vm.host],
    'live',
  );
  const ended = (runs.data?.jobs ?? []).filter((job) => !isActive(job.state)).reverse();
  if (ended.length < 2) return runs.data ? <p class="muted">{text.runs.tooFew}</p> : null;
  const longest = Math.max(1, ...ended.map(secondsOf));
  return (
    <>
      <ul class="runs">
        {ended.map((job) => {
          const height = kBarMin + (secondsOf(job) / longest) * (kBarHeight - kBarMin);
          const words = text.runs.run(format.dateTime(job.started ?? job.created), text.jobs.states[job.state], format.duration(secondsOf(job)));
          return (
            <li key={job.id}>
              <a href={href('jobs', job.id)} aria-label={words} title={words} {...(job.id === current ? { 'aria-current': 'true' as const } : {})}>
                <svg aria-hidden="true" width="12" height={kBarHeight} viewBox={`0 0 12 ${kBarHeight}`}>
                  <rect class={kLooks[job.state] ?? 'bar-base'} x="1" y={kBarHeight - height} width="10" height={height} rx="2" />
                </svg>
              </a>
            </li>
          );
        })}
      </ul>
      <p class="muted">{text.runs.note(ended.length, format.duration(longest))}</p>
    </>
  );
}
