// How long ago the machines' newest points were proven: a bar for each age, and when everything was verified last.
import { call, loadAllVms } from '../api';
import * as format from '../format';
import type { Vm } from '../generated/api';
import { useResource } from '../resource';
import { href } from '../router';
import { text } from '../text';
import { Loaded, Section, When } from './basics';

const kBarWidth = 240;
const kDayMs = 86_400_000;

type Age = keyof typeof text.proofAges.names;
const kLooks: Record<Age, string> = { week: 'bar-done', month: 'bar-done', older: 'bar-old', never: 'bar-old', damaged: 'bar-failed' };

function ageOf(vm: Vm): Age {
  const point = vm.last_point!;
  if (point.has_known_damage || point.verified?.result === 'damaged') return 'damaged';
  if (!point.verified) return 'never';
  const days = (Date.now() - Date.parse(point.verified.time)) / kDayMs;
  return days <= 7 ? 'week' : days <= 30 ? 'month' : 'older';
}

export function ProofAges() {
  const data = useResource(
    (signal) => Promise.all([loadAllVms(signal), call('listJobs', { query: { kind: 'verify', limit: 1 }, signal })]),
    [],
    'live',
  );
  return (
    <Section title={text.proofAges.title} note={text.proofAges.note}>
      <Loaded resource={data}>
        {([vms, jobs]) => (
          <>
            <Ages vms={vms.filter((vm) => vm.last_point !== null)} />
            <p class="muted">
              {text.proofAges.last}:{' '}
              {jobs.jobs[0] ? (
                <a href={href('jobs', jobs.jobs[0].id)}>
                  <When time={jobs.jobs[0].created} relative />
                </a>
              ) : (
                text.time.never
              )}
            </p>
          </>
        )}
      </Loaded>
    </Section>
  );
}

function Ages({ vms }: { vms: Vm[] }) {
  const counts = new Map<Age, number>();
  for (const vm of vms) counts.set(ageOf(vm), (counts.get(ageOf(vm)) ?? 0) + 1);
  return (
    <ul class="ages">
      {(Object.keys(text.proofAges.names) as Age[]).map((age) => {
        const count = counts.get(age) ?? 0;
        const width = vms.length > 0 && count > 0 ? Math.max(3, (count / vms.length) * kBarWidth) : 0;
        return (
          <li key={age}>
            <span>{text.proofAges.names[age]}</span>
            <svg aria-hidden="true" height="10" viewBox={`0 0 ${kBarWidth} 10`} preserveAspectRatio="none">
              <rect class="bar-base" x="0" y="4" width={kBarWidth} height="2" />
              <rect class={kLooks[age]} x="0" y="0" width={width} height="10" />
            </svg>
            <span class="number">{format.count(count)}</span>
          </li>
        );
      })}
    </ul>
  );
}
